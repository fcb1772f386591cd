//! What happens in a world: a setup and a list of steps, as values, bytes and text.

use std::fmt;

/// Chooses one of what exists: an index, modulo how much there is. So every list of steps means
/// something in every world, and lists can be shortened freely.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Pick(pub u8);

impl Pick {
    /// The index among so many; `None` where there are none.
    #[must_use]
    pub fn among(self, count: usize) -> Option<usize> {
        (count > 0).then(|| usize::from(self.0) % count)
    }

    /// The one in a table that is not empty.
    #[must_use]
    pub fn of<T: Copy>(self, table: &[T]) -> T {
        table[usize::from(self.0) % table.len()]
    }
}

macro_rules! steps {
    ($($(#[$meta:meta])* $name:ident { $first:ident, $second:ident } x $weight:literal,)*) => {
        /// One thing that happens.
        #[derive(Copy, Clone, Debug, PartialEq, Eq)]
        #[expect(clippy::exhaustive_enums, reason = "the simulator handles each of them")]
        #[expect(missing_docs, reason = "the variants tell what is picked")]
        pub enum Step {
            $($(#[$meta])* $name { $first: Pick, $second: Pick },)*
        }

        /// Every kind of step: its name, how often it is drawn, and how it is made.
        const KINDS: &[(&str, u8, fn(Pick, Pick) -> Step)] = &[
            $((stringify!($name), $weight, |$first, $second| Step::$name { $first, $second }),)*
        ];

        impl Step {
            fn parts(self) -> (&'static str, Pick, Pick) {
                match self {
                    $(Self::$name { $first, $second } => (stringify!($name), $first, $second),)*
                }
            }
        }
    };
}

steps! {
    /// A program calls something.
    Call { client, what } x 8,
    /// A program gives up on a call.
    Cancel { call, how } x 3,
    /// A handler comes to an end, whether or not anybody waits for it still.
    Finish { held, how } x 6,
    /// A handler panics, or its future is dropped.
    Abandon { held, how } x 1,
    /// A handler tells something while it runs, once or very often.
    Note { held, what } x 4,
    /// A program subscribes to changes.
    Subscribe { client, what } x 2,
    /// A program ends a subscription.
    Unsubscribe { subscription, how } x 1,
    /// Something has changed at the server.
    Change { what, how } x 2,
    /// The registry is replaced by another one.
    Swap { what, how } x 2,
    /// So many bytes come through a pipe, or one exchange comes a step further.
    Deliver { pipe, much } x 6,
    /// A pipe stops, runs, or passes only small pieces.
    Flow { pipe, how } x 4,
    /// A stream is closed on one side or on both, perhaps in the middle of a message; an exchange
    /// breaks off.
    Cut { client, how } x 1,
    /// Somebody else writes on the same pipe.
    Noise { pipe, what } x 2,
    /// What an exchange goes through on its way.
    Network { exchange, fault } x 4,
    /// Time passes.
    Advance { by, how } x 6,
    /// A process starts anew.
    Restart { client, how } x 1,
    /// A program or a server ends the connection.
    Close { client, how } x 1,
    /// A user answers a question, declines, says nonsense, or answers too late.
    Answer { question, how } x 6,
    /// A client brings back what a call has to remember: again, changed, or for another call.
    Forge { client, how } x 2,
    /// A client begins a task.
    Begin { client, what } x 3,
    /// A client looks at a task, answers its questions, waits for it, gives it up, or looks for
    /// one that does not exist.
    Look { task, how } x 5,
    /// A task's run comes a step further, or a request that touches the disk.
    Work { task, how } x 5,
    /// The process that works on tasks ends in the middle of it, and another one goes on.
    Crash { office, how } x 1,
    /// A client goes on with another authorization.
    Login { client, how } x 1,
}

/// Who takes part, and how narrow the limits are.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "scenarios are written by hand too"
)]
pub struct Setup {
    /// How the first client is connected, and how it finds the revision.
    pub first: Pick,
    /// The same of the second client.
    pub second: Pick,
    /// How narrow the limits are.
    pub limits: Pick,
}

/// A whole run, but for its end: afterwards all faults are switched off, and everything must come
/// to rest.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "scenarios are written by hand too"
)]
pub struct Scenario {
    /// Who takes part.
    pub setup: Setup,
    /// What happens, in this order.
    pub steps: Vec<Step>,
}

/// How many steps of a kind may be favourites.
const FAVOURITES: usize = 2;

impl Scenario {
    /// Reads three bytes a step, after three for the setup. Any bytes are a scenario; what is left
    /// over at the end is ignored.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let mut triples = bytes.chunks_exact(3);
        let first = triples.next().unwrap_or(&[0, 0, 0]);
        let setup = Setup {
            first: Pick(first[0]),
            second: Pick(first[1]),
            limits: Pick(first[2]),
        };
        let steps = triples.map(|triple| step(triple[0], triple[1], triple[2]));
        Self {
            setup,
            steps: steps.collect(),
        }
    }

    /// The same scenario as bytes: what a corpus holds.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let Setup {
            first,
            second,
            limits,
        } = self.setup;
        let mut bytes = vec![first.0, second.0, limits.0];
        for step in &self.steps {
            let (name, a, b) = step.parts();
            let kind = KINDS.iter().position(|(kind, ..)| *kind == name);
            let kind = kind.and_then(|kind| u8::try_from(kind).ok());
            bytes.extend([kind.unwrap_or_default(), a.0, b.0]);
        }
        bytes
    }

    /// A scenario that this number stands for. Each draws its own kinds of steps and how frequent
    /// they are, and every second one its favourites among the steps of each kind: so that rare
    /// combinations come together too, and the same thing happens to the same one several times.
    #[must_use]
    pub fn from_seed(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let mut bag = Vec::new();
        for (kind, (_, weight, _)) in KINDS.iter().enumerate() {
            let factor = [0, 1, 1, 1, 4][dice.roll(5)];
            let kind = u8::try_from(kind).unwrap_or_default();
            bag.extend(std::iter::repeat_n(kind, usize::from(*weight) * factor));
        }
        // Without calls there is little to see.
        bag.extend([0; 6]);
        let count = [8, 24, 48, 96][dice.roll(4)];
        let setup = Setup {
            first: Pick(dice.byte()),
            second: Pick(dice.byte()),
            limits: Pick(dice.byte()),
        };
        let favours = dice.roll(2) == 1;
        let mut pairs = || [(); FAVOURITES].map(|()| (dice.byte(), dice.byte()));
        let favourites: Vec<_> = KINDS.iter().map(|_| pairs()).collect();
        let draw = |_| {
            let kind = bag[dice.roll(bag.len())];
            let favourite = favourites[usize::from(kind)][dice.roll(FAVOURITES)];
            let (a, b) = match favours && dice.roll(4) > 0 {
                true => favourite,
                false => (dice.byte(), dice.byte()),
            };
            step(kind, a, b)
        };
        Self {
            setup,
            steps: (0..count).map(draw).collect(),
        }
    }

    /// Reads what `Display` writes.
    ///
    /// # Errors
    /// The word that is no number of two hexadecimal digits.
    pub fn parse(text: &str) -> Result<Self, String> {
        let digits: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
        let mut bytes = Vec::new();
        for pair in digits.chunks(2) {
            let pair: String = pair.iter().collect();
            bytes.push(u8::from_str_radix(&pair, 16).map_err(|_| pair)?);
        }
        Ok(Self::from_bytes(&bytes))
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.to_bytes() {
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

fn step(kind: u8, a: u8, b: u8) -> Step {
    let (.., make) = KINDS[usize::from(kind) % KINDS.len()];
    make(Pick(a), Pick(b))
}

/// Xorshift: the same seed gives the same numbers.
#[derive(Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        // Neighbouring seeds are to differ in every bit.
        let mut mixed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        Self((mixed ^ (mixed >> 31)) | 1)
    }

    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from((self.0 >> 11) % sides as u64).unwrap_or_default()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        u8::try_from(self.roll(256)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenario_is_the_same_as_bytes_and_as_text() {
        for seed in 0..100 {
            let scenario = Scenario::from_seed(seed);
            assert_eq!(Scenario::from_bytes(&scenario.to_bytes()), scenario);
            assert_eq!(Scenario::parse(&scenario.to_string()), Ok(scenario));
        }
        assert_eq!(Scenario::parse("00 0x"), Err("0x".to_owned()));
    }

    #[test]
    fn any_bytes_are_a_scenario() {
        assert_eq!(Scenario::from_bytes(&[]).steps, []);
        let scenario = Scenario::from_bytes(&[1, 2, 3, 255, 255, 255, 9]);
        assert_eq!(scenario.setup.second, Pick(2));
        assert_eq!(scenario.steps.len(), 1);
    }
}
