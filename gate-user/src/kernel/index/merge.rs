//! Changes to what the models keep sorted.

/// Carries out `changes` (an item, and whether it is there from now on) on `items`, which are
/// sorted by `key`. Of the changes of one key the last counts.
pub(super) fn merge<T: Copy, K: Ord>(
    items: &mut Vec<T>,
    mut changes: Vec<(T, bool)>,
    key: impl Fn(&T) -> K,
) {
    changes.sort_by_key(|(item, _)| key(item));
    let mut merged = Vec::with_capacity(items.len() + changes.len());
    let mut rest = items.iter().copied().peekable();
    for same in changes.chunk_by(|a, b| key(&a.0) == key(&b.0)) {
        let (item, present) = same[same.len() - 1];
        while let Some(other) = rest.next_if(|other| key(other) < key(&item)) {
            merged.push(other);
        }
        rest.next_if(|other| key(other) == key(&item));
        if present {
            merged.push(item);
        }
    }
    merged.extend(rest);
    merged.shrink_to_fit();
    *items = merged;
}
