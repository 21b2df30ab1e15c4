//! A `Received` header as words and comments.

/// A piece of a header.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Token<'a> {
    /// What stands between white space and comments.
    Word(&'a str),
    /// A comment without its parentheses; those in it are in pairs, or behind a backslash.
    Comment(&'a str),
    /// A parenthesis that has no other: nothing behind it can be told apart.
    Unbalanced,
}

/// The pieces of a header, in its order.
#[derive(Clone, Debug)]
pub(super) struct Tokens<'a> {
    rest: &'a str,
}

impl<'a> Tokens<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self { rest: text }
    }

    /// What was not looked at yet.
    pub(super) fn rest(&self) -> &'a str {
        self.rest
    }

    /// The comment that the rest begins with, parentheses included.
    fn comment(&mut self) -> Token<'a> {
        let mut depth = 0_usize;
        let mut escaped = false;
        for (at, byte) in self.rest.bytes().enumerate() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'(' => depth += 1,
                b')' => {
                    depth -= 1;
                    if depth == 0 {
                        let comment = &self.rest[1..at];
                        self.rest = &self.rest[at + 1..];
                        return Token::Comment(comment);
                    }
                }
                _ => {}
            }
        }
        self.rest = "";
        Token::Unbalanced
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        self.rest = self.rest.trim_ascii_start();
        match self.rest.bytes().next()? {
            b'(' => Some(self.comment()),
            b')' => {
                self.rest = "";
                Some(Token::Unbalanced)
            }
            _ => {
                let ends = |byte: u8| byte.is_ascii_whitespace() || byte == b'(' || byte == b')';
                let end = self.rest.bytes().position(ends).unwrap_or(self.rest.len());
                let (word, rest) = self.rest.split_at(end);
                self.rest = rest;
                Some(Token::Word(word))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Token::*, *};

    #[test]
    fn words_and_comments() {
        let tokens = |text| Tokens::of(text).collect::<Vec<_>>();
        assert_eq!(
            tokens(" from a(b\t(c) \\) d)e\r\n\tby f"),
            [
                Word("from"),
                Word("a"),
                Comment("b\t(c) \\) d"),
                Word("e"),
                Word("by"),
                Word("f")
            ]
        );
        assert_eq!(tokens("a (b (c) d"), [Word("a"), Unbalanced]);
        assert_eq!(tokens("a ) b"), [Word("a"), Unbalanced]);
        assert_eq!(tokens("()"), [Comment("")]);
        assert_eq!(tokens(" \r\n "), []);
    }

    proptest! {
        #[test]
        fn any_text_has_an_end(text in "[a( )\\\\ü]{0,40}") {
            let length: usize = Tokens::of(&text)
                .map(|token| match token {
                    Word(text) | Comment(text) => text.len(),
                    Unbalanced => 0,
                })
                .sum();
            prop_assert!(length <= text.len());
        }
    }
}
