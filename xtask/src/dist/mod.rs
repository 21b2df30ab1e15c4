//! `cargo xtask dist`: what is handed out, in `target/dist`: a Debian package, and a tarball of static
//! programs for every other distribution.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, ValueEnum};

use crate::{build, run::root_dir};

mod deb;
mod tarball;

pub(crate) use deb::Programs;
use deb::Version;

/// What to make.
#[derive(Args)]
pub(crate) struct Options {
    /// What to make; both unless named
    #[arg(value_enum)]
    what: Vec<What>,
}

#[derive(Clone, Copy, Eq, PartialEq, ValueEnum)]
enum What {
    /// A package for Debian 12 and later
    Deb,
    /// Programs that need no library, with their units and manual, as a tarball
    Tarball,
}

/// Makes what `options` name.
pub(crate) fn dist(options: &Options) -> Result<()> {
    let wanted = |what| options.what.is_empty() || options.what.contains(&what);
    if wanted(What::Deb) {
        for made in deb::make(&[Version::This], Programs::Optimized, &directory())? {
            println!("made {}", made.display());
        }
    }
    if wanted(What::Tarball) {
        println!("made {}", tarball::make()?.display());
    }
    Ok(())
}

/// Makes what the tests of the packages install; the directory it is in.
pub(crate) fn packages_for_tests(programs: Programs) -> Result<PathBuf> {
    let directory = match programs {
        Programs::Optimized => directory(),
        // Not to be taken for what is handed out.
        Programs::Debug => root_dir().join("target/packages"),
    };
    deb::make(&[Version::Former, Version::This], programs, &directory)?;
    Ok(directory)
}

/// Makes the tarball for its tests; the directory it is in.
pub(crate) fn tarball_for_tests() -> Result<PathBuf> {
    tarball::make()?;
    Ok(directory())
}

/// Where everything is put.
fn directory() -> PathBuf {
    root_dir().join("target/dist")
}

/// Has the programs write their manual pages and completions; the directory that these are in, named
/// in the package's list of files. What writes them is not handed out, and need not be optimized.
fn reference() -> Result<PathBuf> {
    let reference = directory().join("reference");
    build::reference(&build::programs(&["gate-reference"], false)?, &reference)?;
    Ok(reference)
}
