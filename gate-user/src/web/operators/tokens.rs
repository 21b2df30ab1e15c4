//! The tokens: read from their files, and compared so that the time tells nothing. Kept are digests,
//! not secrets.

use std::{fs, io, os::unix::fs::PermissionsExt as _, path::PathBuf, sync::Arc};

use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _};

use crate::{
    config::{OperatorsConfig, TokenConfig},
    control::Rights,
};

/// The shortest secret, in characters: nobody finds it by trying.
const SHORTEST: usize = 16;
/// The longest one: a header has room for it.
const LONGEST: usize = 512;
/// What others may do to a file.
const OTHERS: u32 = 0o007;

/// Why a token cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// Its file cannot be read.
    #[error("the token `{name}`: cannot read {}: {source}", file.display())]
    Read {
        /// The token.
        name: String,
        /// The file.
        file: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Others may read its file.
    #[error(
        "the token `{name}`: {} is open to others (mode {mode:04o}): expected such as 0600 or 0640",
        file.display()
    )]
    Open {
        /// The token.
        name: String,
        /// The file.
        file: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// What is in its file is no secret.
    #[error(
        "the token `{name}`: {} holds no secret: expected one line of {SHORTEST} to {LONGEST} \
         visible ASCII characters, such as `openssl rand -hex 32` makes",
        file.display()
    )]
    Secret {
        /// The token.
        name: String,
        /// The file.
        file: PathBuf,
    },
    /// History could not tell who showed it.
    #[error(
        "the tokens `{first}` and `{second}` have the same secret: expected one of its own for each"
    )]
    Same {
        /// One token.
        first: String,
        /// The other.
        second: String,
    },
}

/// A token.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Token {
    /// Whose it is.
    pub(super) name: Arc<str>,
    /// What it grants.
    pub(super) rights: Rights,
    digest: [u8; 32],
}

/// All tokens of the configuration.
#[derive(Clone, Debug, Default)]
pub struct Tokens(Vec<Token>);

impl Tokens {
    /// Reads the tokens that `config` names.
    ///
    /// # Errors
    /// [`TokenError`], for the first that cannot be used.
    pub fn read(config: &OperatorsConfig) -> Result<Self, TokenError> {
        let mut tokens: Vec<Token> = Vec::new();
        for config in &config.tokens {
            let token = read(config)?;
            if let Some(first) = tokens.iter().find(|first| first.digest == token.digest) {
                return Err(TokenError::Same {
                    first: first.name.to_string(),
                    second: config.name.clone(),
                });
            }
            tokens.push(token);
        }
        Ok(Self(tokens))
    }

    /// Whether there is none: nobody is asked for one.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The token whose secret this is. How long it takes says nothing of how near it came.
    pub(super) fn of(&self, secret: &str) -> Option<&Token> {
        let digest = digest(secret);
        let mut place = u32::MAX;
        for (at, token) in (0..).zip(&self.0) {
            let same: Choice = token.digest.ct_eq(&digest);
            place.conditional_assign(&at, same);
        }
        self.0.get(usize::try_from(place).ok()?)
    }

    /// Whether `token` is still one of them, unchanged.
    pub(super) fn holds(&self, token: &Token) -> bool {
        self.0.contains(token)
    }
}

fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret).into()
}

fn read(config: &TokenConfig) -> Result<Token, TokenError> {
    let TokenConfig { name, file, rights } = config;
    let (name, file) = (name.clone(), file.clone());
    let failed = |source| TokenError::Read {
        name: name.clone(),
        file: file.clone(),
        source,
    };
    let mode = fs::metadata(&file).map_err(failed)?.permissions().mode() & 0o7777;
    if mode & OTHERS != 0 {
        return Err(TokenError::Open { name, file, mode });
    }
    let text = fs::read_to_string(&file).map_err(failed)?;
    let secret = text.trim();
    let fits = (SHORTEST..=LONGEST).contains(&secret.len());
    if !fits || !secret.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(TokenError::Secret { name, file });
    }
    Ok(Token {
        name: name.into(),
        rights: *rights,
        digest: digest(secret),
    })
}

#[cfg(test)]
pub(super) mod tests {
    use std::fs::Permissions;

    use super::*;

    /// A token of this secret.
    pub(in super::super) fn token(name: &str, secret: &str, rights: Rights) -> Token {
        Token {
            name: name.into(),
            rights,
            digest: digest(secret),
        }
    }

    /// These tokens.
    pub(in super::super) fn tokens(tokens: impl IntoIterator<Item = Token>) -> Tokens {
        Tokens(tokens.into_iter().collect())
    }

    #[test]
    fn a_secret_is_known_by_its_whole() {
        let one = token("one", "0123456789abcdef", Rights::Read);
        let two = token("two", "fedcba9876543210", Rights::Write);
        let tokens = tokens([one.clone(), two.clone()]);
        assert_eq!(tokens.of("0123456789abcdef"), Some(&one));
        assert_eq!(tokens.of("fedcba9876543210"), Some(&two));
        for wrong in [
            "",
            "0123456789abcde",
            "0123456789abcdef0",
            "0123456789ABCDEF",
        ] {
            assert_eq!(tokens.of(wrong), None, "{wrong}");
        }
        assert!(!tokens.holds(&token("one", "another secret..", Rights::Read)));
    }

    #[test]
    fn a_file_is_one_secret_that_others_cannot_read() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("token");
        let config = OperatorsConfig {
            tokens: vec![TokenConfig {
                name: "desk".to_owned(),
                file: file.clone(),
                rights: Rights::Write,
            }],
            ..OperatorsConfig::default()
        };
        let told = || Tokens::read(&config).unwrap_err().to_string();
        assert!(told().contains("cannot read"), "{}", told());
        let write = |text: &str, mode| {
            fs::write(&file, text).unwrap();
            fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
        };
        write("0123456789abcdef\n", 0o644);
        assert!(
            told().contains("is open to others (mode 0644)"),
            "{}",
            told()
        );
        for text in ["short\n", "two words 0123456789\n", ""] {
            write(text, 0o640);
            assert!(told().contains("holds no secret"), "{}", told());
        }
        write("0123456789abcdef\n", 0o640);
        let tokens = Tokens::read(&config).unwrap();
        assert_eq!(tokens.of("0123456789abcdef").unwrap().name.as_ref(), "desk");
    }

    #[test]
    fn two_tokens_have_two_secrets() {
        let directory = tempfile::tempdir().unwrap();
        let token = |name: &str, secret: &str| {
            let file = directory.path().join(name);
            fs::write(&file, secret).unwrap();
            fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
            TokenConfig {
                name: name.to_owned(),
                file,
                rights: Rights::Write,
            }
        };
        let tokens = vec![
            token("desk", "0123456789abcdef\n"),
            token("other", "fedcba9876543210\n"),
            token("grafana", "0123456789abcdef"),
        ];
        let config = OperatorsConfig {
            tokens,
            ..OperatorsConfig::default()
        };
        assert_eq!(
            Tokens::read(&config).unwrap_err().to_string(),
            "the tokens `desk` and `grafana` have the same secret: expected one of its own for each"
        );
    }
}
