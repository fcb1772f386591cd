//! The command line: a command, names, and `--key value` pairs.

use std::collections::BTreeMap;
use std::str::FromStr;

/// What was asked for.
#[derive(Debug, Default)]
pub(crate) struct Options {
    pub(crate) words: Vec<String>,
    pairs: BTreeMap<String, String>,
}

/// Options without a value.
const FLAGS: [&str; 4] = ["quick", "growth", "footprint", "publish"];

impl Options {
    /// Reads arguments; `known` are the names of the options that may be there.
    pub(crate) fn read(
        arguments: impl Iterator<Item = String>,
        known: &[&str],
    ) -> Result<Self, String> {
        let mut options = Self::default();
        let mut arguments = arguments;
        while let Some(argument) = arguments.next() {
            let Some(name) = argument.strip_prefix("--") else {
                options.words.push(argument);
                continue;
            };
            if !known.contains(&name) {
                return Err(format!("there is no option --{name}; known: {known:?}"));
            }
            let value = if FLAGS.contains(&name) {
                String::new()
            } else {
                let value = arguments.next();
                value.ok_or_else(|| format!("--{name} needs a value"))?
            };
            options.pairs.insert(name.to_owned(), value);
        }
        Ok(options)
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        self.pairs.contains_key(name)
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.pairs.get(name).map(String::as_str)
    }

    /// The value of an option, or a default.
    pub(crate) fn value<T: FromStr>(&self, name: &str, default: T) -> Result<T, String> {
        match self.text(name) {
            None => Ok(default),
            Some(text) => {
                let value = text.parse();
                value.map_err(|_| format!("--{name} cannot be {text:?}"))
            }
        }
    }

    /// Whether a name is among those of a list such as `--servers a,b`; all are where there is none.
    pub(crate) fn chosen(&self, list: &str, name: &str) -> bool {
        match self.text(list) {
            None => true,
            Some(text) => text.split(',').any(|word| word == name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Options, String> {
        let known = ["seconds", "servers", "quick"];
        Options::read(text.split_whitespace().map(str::to_owned), &known)
    }

    #[test]
    fn words_pairs_and_flags_are_told_apart() {
        let options = read("run --seconds 2 --quick null").expect("it is well-formed");
        assert_eq!(options.words, ["run", "null"]);
        assert_eq!(options.value("seconds", 1.0), Ok(2.0));
        assert!(options.flag("quick"));
        assert!(options.chosen("servers", "anybody"));
    }

    #[test]
    fn what_is_unknown_or_incomplete_is_refused() {
        assert!(read("--nothing 1").is_err());
        assert!(read("--seconds").is_err());
        let options = read("--seconds x --servers a,b").expect("it is well-formed");
        assert!(options.value("seconds", 1.0).is_err());
        assert!(options.chosen("servers", "b") && !options.chosen("servers", "c"));
    }
}
