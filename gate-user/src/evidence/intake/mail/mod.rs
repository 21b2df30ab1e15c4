//! Mails as evidence needs them: the header's fields, and the parts, not what they say.

mod fields;
mod parts;

pub use self::parts::TooComplex;
pub(super) use self::{
    fields::Fields,
    parts::{Part, parts},
};
