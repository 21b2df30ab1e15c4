//! The ordered map of entries behind a [`Book`](super::Book): a B+tree whose nodes are shared
//! between snapshots.
//!
//! A clone costs one reference count. A change copies the nodes on the way to one leaf, and only
//! those that another snapshot still holds. Sorted by network, a network comes right before those
//! within it, so that one search finds either. Every node knows when the first of its entries
//! ends, so that neither the next expiry nor what is due needs a search.

use std::{slice, sync::Arc};

use super::record::{Expiry, Key, Record};
use crate::network::Network;

/// Most entries of a leaf, and most children of a branch. Tests make do with less, so that a few
/// dozen entries make a tree of several levels.
const WIDTH: usize = if cfg!(test) { 8 } else { 128 };
/// A node with fewer is merged with a neighbour, where both fit in half a node.
const NARROW: usize = WIDTH / 4;

/// How many distinct lengths the prefixes of a family can have.
const LENGTHS: usize = 129;

#[derive(Clone, Debug)]
enum Node {
    Leaf(Vec<Record>),
    Branch(Vec<Child>),
}

#[derive(Clone, Debug)]
struct Child {
    first: Key,
    expires: Expiry,
    node: Arc<Node>,
}

/// Entries sorted by [`Key`].
#[derive(Clone, Debug)]
pub(super) struct Tree {
    root: Arc<Node>,
    lengths: Arc<Lengths>,
    len: usize,
}

/// How many entries have each length of prefix, IPv4 and IPv6.
#[derive(Clone, Debug)]
struct Lengths([[usize; LENGTHS]; 2]);

impl Lengths {
    fn of(&self, network: Network) -> &[usize; LENGTHS] {
        &self.0[usize::from(network.is_v4())]
    }

    fn count(&mut self, network: Network) -> &mut usize {
        &mut self.0[usize::from(network.is_v4())][usize::from(network.prefix_len())]
    }
}

impl Default for Tree {
    fn default() -> Self {
        Self {
            root: Arc::new(Node::Leaf(Vec::new())),
            lengths: Arc::new(Lengths([[0; LENGTHS]; 2])),
            len: 0,
        }
    }
}

impl Tree {
    /// How many entries there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Puts an entry in; gives back the one that had its key.
    pub(super) fn insert(&mut self, record: Record) -> Option<Record> {
        let network = record.network;
        let (old, right) = Arc::make_mut(&mut self.root).insert(record);
        if let Some(right) = right {
            let left = Arc::clone(&self.root);
            let children = vec![Child::new(left), Child::new(Arc::new(right))];
            self.root = Arc::new(Node::Branch(children));
        }
        if old.is_none() {
            self.len += 1;
            *Arc::make_mut(&mut self.lengths).count(network) += 1;
        }
        old
    }

    /// Takes the entry of that key out.
    pub(super) fn remove(&mut self, key: &Key) -> Option<Record> {
        self.get(key)?;
        let removed = Arc::make_mut(&mut self.root).remove(key)?;
        while let Node::Branch(children) = &*self.root
            && let [only] = &children[..]
        {
            self.root = Arc::clone(&only.node);
        }
        self.len -= 1;
        *Arc::make_mut(&mut self.lengths).count(key.network) -= 1;
        Some(removed)
    }

    /// The entry of that key.
    pub(super) fn get(&self, key: &Key) -> Option<&Record> {
        let mut node = &self.root;
        loop {
            match &**node {
                Node::Leaf(records) => {
                    let at = records.binary_search_by(|record| record.cmp_key(key));
                    return at.ok().map(|at| &records[at]);
                }
                Node::Branch(children) => node = &children[child_of(children, key)].node,
            }
        }
    }

    /// Every entry.
    pub(super) fn iter(&self) -> Iter<'_> {
        let mut iter = Iter {
            branches: Vec::new(),
            leaf: [].iter(),
        };
        iter.descend(&self.root, |_| 0, |_| 0);
        iter
    }

    /// Every entry from the first of `network` on.
    fn from(&self, network: Network) -> Iter<'_> {
        let mut iter = Iter {
            branches: Vec::new(),
            leaf: [].iter(),
        };
        iter.descend(
            &self.root,
            // Entries of one network may begin in the child before the one they begin.
            |children| {
                children
                    .partition_point(|child| child.first.network < network)
                    .saturating_sub(1)
            },
            |records| records.partition_point(|record| record.network < network),
        );
        iter
    }

    /// The entries of exactly that network.
    pub(super) fn at(&self, network: Network) -> impl Iterator<Item = &Record> {
        self.from(network)
            .take_while(move |record| record.network == network)
    }

    /// The entries of that network and of those within it.
    pub(super) fn within(&self, network: Network) -> impl Iterator<Item = &Record> {
        self.from(network)
            .take_while(move |record| network.covers(record.network))
    }

    /// The entries of that network and of those that cover it, the widest first.
    pub(super) fn covering(&self, network: Network) -> impl Iterator<Item = &Record> {
        (0..=network.prefix_len())
            .filter(move |&length| self.lengths.of(network)[usize::from(length)] > 0)
            .flat_map(move |length| self.at(Network::containing(network.address(), length)))
    }

    /// When the first entry ends by itself.
    pub(super) fn next_expiry(&self) -> Expiry {
        self.root.expires()
    }

    /// The keys of the entries that end by `now`.
    pub(super) fn due(&self, now: Expiry) -> Vec<Key> {
        let mut due = Vec::new();
        self.root.collect_due(now, &mut due);
        due
    }
}

impl Node {
    /// Gives back the entry replaced, and the right half if the node had to be split.
    fn insert(&mut self, record: Record) -> (Option<Record>, Option<Self>) {
        match self {
            Self::Leaf(records) => {
                let key = record.key();
                match records.binary_search_by(|other| other.cmp_key(&key)) {
                    Ok(at) => (Some(std::mem::replace(&mut records[at], record)), None),
                    Err(at) => (None, insert_at(records, at, record).map(Self::Leaf)),
                }
            }
            Self::Branch(children) => {
                let at = child_of(children, &record.key());
                let (old, right) = Arc::make_mut(&mut children[at].node).insert(record);
                children[at].refresh();
                let right = right.and_then(|right| {
                    insert_at(children, at + 1, Child::new(Arc::new(right))).map(Self::Branch)
                });
                (old, right)
            }
        }
    }

    fn remove(&mut self, key: &Key) -> Option<Record> {
        match self {
            Self::Leaf(records) => {
                let at = records.binary_search_by(|record| record.cmp_key(key));
                at.ok().map(|at| records.remove(at))
            }
            Self::Branch(children) => {
                let at = child_of(children, key);
                let removed = Arc::make_mut(&mut children[at].node).remove(key)?;
                merge(children, at);
                Some(removed)
            }
        }
    }

    /// How many entries or children it has itself.
    fn width(&self) -> usize {
        match self {
            Self::Leaf(records) => records.len(),
            Self::Branch(children) => children.len(),
        }
    }

    fn expires(&self) -> Expiry {
        match self {
            Self::Leaf(records) => records.iter().map(|record| record.expires).min(),
            Self::Branch(children) => children.iter().map(|child| child.expires).min(),
        }
        .unwrap_or(Expiry::NEVER)
    }

    fn collect_due(&self, now: Expiry, due: &mut Vec<Key>) {
        match self {
            Self::Leaf(records) => due.extend(
                records
                    .iter()
                    .filter(|record| record.expires <= now)
                    .map(Record::key),
            ),
            Self::Branch(children) => children
                .iter()
                .filter(|child| child.expires <= now)
                .for_each(|child| child.node.collect_due(now, due)),
        }
    }
}

impl Child {
    /// Of a node that is not empty.
    fn new(node: Arc<Node>) -> Self {
        let (first, expires) = (first_of(&node), node.expires());
        Self {
            first,
            expires,
            node,
        }
    }

    /// Takes over what has changed in the node.
    fn refresh(&mut self) {
        self.expires = self.node.expires();
        self.first = first_of(&self.node);
    }
}

/// The first key of a node that is not empty: no node but an empty tree's root is.
fn first_of(node: &Node) -> Key {
    match node {
        Node::Leaf(records) => records[0].key(),
        Node::Branch(children) => children[0].first.clone(),
    }
}

/// Which child holds `key`, if any does.
fn child_of(children: &[Child], key: &Key) -> usize {
    children
        .partition_point(|child| child.first <= *key)
        .saturating_sub(1)
}

/// Inserts at a place; a full vector is split first, and its right half given back.
fn insert_at<T>(items: &mut Vec<T>, at: usize, item: T) -> Option<Vec<T>> {
    if items.len() < WIDTH {
        // Not the usual doubling, which would pass `WIDTH`.
        items.reserve_exact(if items.len() < items.capacity() {
            0
        } else {
            WIDTH - items.len()
        });
        items.insert(at, item);
        return None;
    }
    // Input in order appends: then the left half stays full.
    let middle = if at == WIDTH { WIDTH } else { WIDTH / 2 };
    let mut right = Vec::with_capacity(WIDTH);
    right.extend(items.drain(middle..));
    if at > middle || middle == WIDTH {
        right.insert(at - middle, item);
    } else {
        items.insert(at, item);
    }
    Some(right)
}

/// Brings the child `at` up to date after a removal: an empty one goes, a narrow one is merged.
fn merge(children: &mut Vec<Child>, at: usize) {
    let width = children[at].node.width();
    if width == 0 {
        children.remove(at);
        return;
    }
    children[at].refresh();
    if width >= NARROW || children.len() < 2 {
        return;
    }
    let left = at.saturating_sub(1);
    if children[left].node.width() + children[left + 1].node.width() > WIDTH / 2 {
        return;
    }
    let right = children.remove(left + 1).node;
    let right = Arc::unwrap_or_clone(right);
    let child = &mut children[left];
    match (Arc::make_mut(&mut child.node), right) {
        (Node::Leaf(left), Node::Leaf(right)) => left.extend(right),
        (Node::Branch(left), Node::Branch(right)) => left.extend(right),
        (Node::Leaf(_), Node::Branch(_)) | (Node::Branch(_), Node::Leaf(_)) => {
            unreachable!("all leaves of the tree are equally deep")
        }
    }
    child.refresh();
}

/// Entries in order.
pub(super) struct Iter<'a> {
    /// What is left to visit, the root's part first.
    branches: Vec<slice::Iter<'a, Child>>,
    leaf: slice::Iter<'a, Record>,
}

impl<'a> Iter<'a> {
    /// Goes down from `node` to a leaf, and stands at the places that the functions tell.
    fn descend(
        &mut self,
        mut node: &'a Node,
        child: impl Fn(&[Child]) -> usize,
        record: impl Fn(&[Record]) -> usize,
    ) {
        loop {
            match node {
                Node::Leaf(records) => {
                    self.leaf = records[record(records)..].iter();
                    return;
                }
                Node::Branch(children) => {
                    let at = child(children);
                    self.branches.push(children[at + 1..].iter());
                    node = &children[at].node;
                }
            }
        }
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = &'a Record;

    fn next(&mut self) -> Option<&'a Record> {
        loop {
            if let Some(record) = self.leaf.next() {
                return Some(record);
            }
            match self.branches.last_mut()?.next() {
                Some(child) => self.descend(&child.node, |_| 0, |_| 0),
                None => drop(self.branches.pop()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::*;
    use crate::book::{
        listing::Origin,
        record::Standing,
        testing::{network, reason},
    };

    /// Put an entry in with that expiry, or take the one of the key out.
    type Step = (Key, Option<i64>);

    fn key() -> impl Strategy<Value = Key> {
        (network(), reason(), any::<bool>()).prop_map(|(network, reason, by_operator)| Key {
            network,
            standing: Standing::Listed(reason),
            origin: Arc::new(if by_operator {
                Origin::Operator
            } else {
                Origin::Dnsbl
            }),
        })
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = (key(), prop::option::weighted(0.6, 0..9_i64));
        prop::collection::vec(step, 0..300)
    }

    fn record(id: usize, key: Key, expires: i64) -> Record {
        let mut record = Record::new(i64::try_from(id).unwrap(), key, Timestamp::UNIX_EPOCH);
        if expires > 0 {
            record.expires = Expiry::new(Some(Timestamp::from_second(expires).unwrap()));
        }
        record
    }

    /// Carries the steps out on a tree and on a model, and compares what they give back.
    fn carry_out(steps: Vec<Step>) -> (Tree, BTreeMap<Key, Record>) {
        let (mut tree, mut model) = (Tree::default(), BTreeMap::new());
        for (id, (key, expires)) in steps.into_iter().enumerate() {
            match expires {
                Some(expires) => {
                    let record = record(id, key.clone(), expires);
                    let old = model.insert(key, record.clone());
                    assert_eq!(tree.insert(record), old);
                }
                None => assert_eq!(tree.remove(&key), model.remove(&key)),
            }
        }
        (tree, model)
    }

    /// Checks what every node promises; gives back the depth.
    fn check(node: &Node, is_root: bool) -> usize {
        assert!(node.width() <= WIDTH);
        assert!(is_root || node.width() > 0);
        match node {
            Node::Leaf(_) => 0,
            Node::Branch(children) => {
                let mut depth = None;
                for child in children {
                    assert_eq!(child.first, first_of(&child.node));
                    assert_eq!(child.expires, child.node.expires());
                    let found = check(&child.node, false);
                    assert_eq!(*depth.get_or_insert(found), found, "leaves equally deep");
                }
                depth.unwrap() + 1
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]

        #[test]
        fn it_is_an_ordered_map(steps in steps()) {
            let (tree, model) = carry_out(steps);
            check(&tree.root, true);
            prop_assert_eq!(tree.len(), model.len());
            prop_assert!(tree.iter().eq(model.values()));
            for (key, record) in &model {
                prop_assert_eq!(tree.get(key), Some(record));
            }
        }

        #[test]
        fn networks_are_found(steps in steps(), asked in prop::collection::vec(network(), 20)) {
            let (tree, model) = carry_out(steps);
            for network in asked {
                let expect = |holds: &dyn Fn(Network) -> bool| {
                    let all = model.values().filter(|record| holds(record.network));
                    all.collect::<Vec<_>>()
                };
                let at: Vec<_> = tree.at(network).collect();
                prop_assert_eq!(at, expect(&|other| other == network));
                let within: Vec<_> = tree.within(network).collect();
                prop_assert_eq!(within, expect(&|other| network.covers(other)));
                // Those that cover one network are sorted from the widest on.
                let covering: Vec<_> = tree.covering(network).collect();
                prop_assert_eq!(covering, expect(&|other| other.covers(network)));
            }
        }

        #[test]
        fn it_knows_what_ends_when(steps in steps(), now in 0..9_i64) {
            let (tree, model) = carry_out(steps);
            let first = model.values().map(|record| record.expires).min();
            prop_assert_eq!(tree.next_expiry(), first.unwrap_or(Expiry::NEVER));
            let now = Expiry::new(Some(Timestamp::from_second(now).unwrap()));
            let due = model.iter().filter(|(_, record)| record.expires <= now);
            let due: Vec<_> = due.map(|(key, _)| key.clone()).collect();
            prop_assert_eq!(tree.due(now), due);
        }

        #[test]
        fn a_snapshot_stays_as_it_is(steps in steps(), later in steps()) {
            let (mut tree, model) = carry_out(steps);
            let snapshot = tree.clone();
            for (id, (key, expires)) in later.into_iter().enumerate() {
                match expires {
                    Some(expires) => drop(tree.insert(record(id, key, expires))),
                    None => drop(tree.remove(&key)),
                }
            }
            prop_assert!(snapshot.iter().eq(model.values()));
            check(&snapshot.root, true);
        }
    }

    #[test]
    fn input_in_order_fills_the_leaves() {
        let mut tree = Tree::default();
        for id in 0..WIDTH * WIDTH {
            let address = std::net::Ipv4Addr::from_bits(u32::try_from(id).unwrap());
            let key = Key {
                network: Network::host(address.into()),
                standing: Standing::Allowed,
                origin: Arc::new(Origin::Operator),
            };
            tree.insert(record(id, key, 0));
        }
        assert_eq!(check(&tree.root, true), 1, "no more levels than needed");
    }
}
