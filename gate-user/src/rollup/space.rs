//! What kind of space a network is, told by the PTR names of a sample of it: in dynamic space,
//! where customers of a provider come and go, one listed source speaks for all of them.

use crate::evidence::PtrClass;

/// Of up to eight names so many must say dynamic space.
const ENOUGH: usize = 5;

/// Whether the PTR names of `sample`, some eight addresses spread over a network, tell that it is
/// dynamic space: five say so, and none is that of a mail server or of static space.
pub fn is_dynamic(sample: &[PtrClass]) -> bool {
    let count = |class| sample.iter().filter(|is| **is == class).count();
    count(PtrClass::Dynamic) >= ENOUGH && count(PtrClass::Fixed) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_dynamic_names_and_no_fixed_one_tell() {
        use PtrClass::{Dynamic, Fixed, Generic, Missing};
        let sample = |parts: &[(PtrClass, usize)]| -> Vec<PtrClass> {
            let names = parts.iter().map(|&(class, count)| vec![class; count]);
            names.collect::<Vec<_>>().concat()
        };
        for (parts, expected) in [
            (&[][..], false),
            (&[(Dynamic, 4)], false),
            (&[(Dynamic, 4), (Generic, 4)], false),
            (&[(Dynamic, 5)], true),
            (&[(Dynamic, 5), (Generic, 1), (Missing, 2)], true),
            (&[(Dynamic, 7), (Fixed, 1)], false),
            (&[(Generic, 8)], false),
        ] {
            assert_eq!(is_dynamic(&sample(parts)), expected, "{parts:?}");
        }
    }
}
