//! What kind of space a network is, told by the PTR names of a sample of it: in dynamic space,
//! where customers of a provider come and go, one listed source speaks for all of them.

use crate::evidence::PtrClass;

/// Names that must be known before they tell anything.
const SAMPLE: usize = 8;

/// Whether the PTR names of `sample`, addresses spread over a network, tell that it is dynamic
/// space: three quarters of them say so, and none is that of a mail server or of static space.
pub fn is_dynamic(sample: &[PtrClass]) -> bool {
    let count = |class| sample.iter().filter(|is| **is == class).count();
    sample.len() >= SAMPLE
        && count(PtrClass::Dynamic) * 4 >= sample.len() * 3
        && count(PtrClass::Fixed) == 0
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
            (&[(Dynamic, 7)], false),
            (&[(Dynamic, 8)], true),
            (&[(Dynamic, 6), (Missing, 2)], true),
            (&[(Dynamic, 5), (Generic, 3)], false),
            (&[(Dynamic, 15), (Fixed, 1)], false),
            (&[(Generic, 16)], false),
        ] {
            assert_eq!(is_dynamic(&sample(parts)), expected, "{parts:?}");
        }
    }
}
