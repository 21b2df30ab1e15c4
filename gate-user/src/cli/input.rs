//! What a command is to read: a file, or standard input for `-`.

use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    path::Path,
};

/// Whether `file` stands for standard input.
pub(super) fn is_standard(file: &Path) -> bool {
    file.as_os_str() == "-"
}

/// Opens `file`.
pub(super) fn open(file: &Path) -> io::Result<Box<dyn BufRead>> {
    Ok(if is_standard(file) {
        Box::new(io::stdin().lock())
    } else {
        Box::new(BufReader::new(File::open(file)?))
    })
}

/// All that `file` holds.
pub(super) fn read(file: &Path) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    open(file)?.read_to_end(&mut content)?;
    Ok(content)
}
