//! Breaks of the product that laws have to notice: a list of edits, kept in `breaks.txt`.

use std::fmt;

/// One break: an edit of one file, and the law that is to notice it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Break {
    /// The law, or several with commas.
    pub law: String,
    /// What is broken, in words.
    pub what: String,
    /// The file, from the repository's root.
    pub file: String,
    old: String,
    new: String,
}

/// Why a break cannot be made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unfit {
    /// What it replaces is there so many times, not once.
    Found(usize),
    /// The list says something else than a break here.
    Line(String),
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Found(times) => write!(f, "its old lines are there {times} times, not once"),
            Self::Line(line) => write!(f, "not understood: {line}"),
        }
    }
}

impl Break {
    /// Reads a list of them.
    ///
    /// # Errors
    /// The first line that is none of a break.
    pub fn read_all(text: &str) -> Result<Vec<Self>, Unfit> {
        let stanzas = text.split("\n\n").map(str::trim_end);
        let stanzas = stanzas.filter(|stanza| !stanza.starts_with('#') && !stanza.is_empty());
        stanzas.map(Self::read).collect()
    }

    fn read(stanza: &str) -> Result<Self, Unfit> {
        let unfit = |line: &str| Unfit::Line(line.to_owned());
        let mut lines = stanza.lines();
        let title = lines.next().unwrap_or_default();
        let (law, what) = title.split_once(": ").ok_or_else(|| unfit(title))?;
        let file = lines.next().ok_or_else(|| unfit(title))?;
        let (mut old, mut new) = (Vec::new(), Vec::new());
        for line in lines {
            match (line.strip_prefix('-'), line.strip_prefix('+')) {
                (Some(line), _) => old.push(line),
                (_, Some(line)) => new.push(line),
                _ => return Err(unfit(line)),
            }
        }
        Ok(Self {
            law: law.to_owned(),
            what: what.to_owned(),
            file: file.to_owned(),
            old: old.join("\n"),
            new: new.join("\n"),
        })
    }

    /// The file's text with the break in it.
    ///
    /// # Errors
    /// How often the lines are there that it replaces, where that is not once.
    pub fn apply(&self, text: &str) -> Result<String, Unfit> {
        match text.matches(&self.old).count() {
            1 => Ok(text.replacen(&self.old, &self.new, 1)),
            times => Err(Unfit::Found(times)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, path::Path};

    const ALL: &str = include_str!("../breaks.txt");

    #[test]
    fn each_break_can_be_made() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let all = Break::read_all(ALL).expect("a list of breaks");
        assert!(all.len() > 30, "{}", all.len());
        for one in all {
            let text = fs::read_to_string(root.join(&one.file)).expect("a source file");
            let broken = one.apply(&text);
            assert!(broken.is_ok(), "{}: {broken:?}", one.what);
            assert_ne!(broken, Ok(text), "{} changes nothing", one.what);
        }
    }

    #[test]
    fn what_is_no_break_is_told() {
        for (text, line) in [
            ("S1 what\nfile", "S1 what"),
            ("S1: what", "S1: what"),
            ("S1: what\nfile\n- a\nb", "b"),
        ] {
            assert_eq!(Break::read_all(text), Err(Unfit::Line(line.to_owned())));
        }
        let one = &Break::read_all("S1: what\nfile\n-a\n-b\n+c").expect("a break")[0];
        assert_eq!(one.apply("1\na\nb\n2"), Ok("1\nc\n2".to_owned()));
        assert_eq!(one.apply("a\nb\na\nb"), Err(Unfit::Found(2)));
        assert_eq!(one.apply("a"), Err(Unfit::Found(0)));
    }
}
