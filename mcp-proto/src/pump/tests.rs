use super::*;
use alloc::{collections::VecDeque, format, string::String, vec};
use core::task::Waker;
use proptest::prelude::*;

/// Answers each byte with ten, and reads no more while too many wait.
#[derive(Debug, Default)]
struct Server {
    waiting: Vec<u8>,
    heard: usize,
    ending: bool,
    mute: bool,
    deadline: Option<Instant>,
    worked: usize,
    most_waiting: usize,
}

const MOST: usize = 30;

impl Machine for Server {
    type Job = ();

    fn handle_bytes(&mut self, bytes: &[u8], _: Instant) {
        assert!(self.wants_read(), "bytes that were not wanted");
        self.heard += bytes.len();
        for byte in bytes {
            self.waiting.extend([*byte; 10]);
        }
        self.most_waiting = self.most_waiting.max(self.waiting.len());
    }

    fn handle_eof(&mut self, _: Instant) {
        self.ending = true;
    }

    fn hang_up(&mut self, _: Instant) {
        self.mute = true;
        self.waiting.clear();
    }

    fn poll_work(&mut self, _: &mut Context<'_>, now: Instant, _: &mut dyn FnMut(())) -> Poll<()> {
        self.worked += 1;
        self.deadline = self.deadline.filter(|deadline| now < *deadline);
        if self.mute || self.ending {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    fn poll_transmit(&mut self, out: &mut Vec<u8>) -> bool {
        assert!(out.is_empty());
        out.append(&mut self.waiting);
        !out.is_empty()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.deadline
    }

    fn wants_read(&self) -> bool {
        !self.ending && self.waiting.len() < MOST
    }

    fn patience(&self) -> Duration {
        Duration::from_nanos(100)
    }
}

/// Two streams that do as they are told, and a loop between them.
#[derive(Debug, Default)]
struct Rig {
    pump: Option<Pump<Server>>,
    input: VecDeque<u8>,
    input_ends: bool,
    // So many bytes are taken before writing is pending.
    room: usize,
    broken: bool,
    reset: bool,
    sent: Vec<u8>,
    read_at_a_time: usize,
    now: u64,
    log: String,
}

impl Rig {
    fn new() -> Self {
        Self {
            pump: Some(Pump::new(Server::default())),
            room: usize::MAX,
            read_at_a_time: READ_BYTES,
            ..Self::default()
        }
    }

    fn server(&mut self) -> &mut Server {
        &mut self.pump.as_mut().unwrap().machine
    }

    /// Runs until there is nothing to do, and tells with what it ended.
    fn run(&mut self) -> Step {
        self.log.clear();
        let mut pump = self.pump.take().unwrap();
        let now = Instant::from_nanos(self.now);
        let mut steps = 0;
        let end = loop {
            steps += 1;
            assert!(steps < 10_000, "it spins: {}", &self.log[..200]);
            let step = pump.step(now);
            self.log.push(format!("{step:?}").remove(0));
            match step {
                Step::Read if self.reset => pump.handle_reset(now),
                Step::Read => {
                    let count = self.input.len().min(self.read_at_a_time);
                    let bytes: Vec<u8> = self.input.drain(..count).collect();
                    let read = if bytes.is_empty() && !self.input_ends {
                        Poll::Pending
                    } else {
                        Poll::Ready(&*bytes)
                    };
                    pump.handle_read(read, now);
                }
                Step::Work => {
                    pump.work(&mut Context::from_waker(Waker::noop()), now, &mut |()| {});
                }
                Step::Write => {
                    let count = pump.output().len().min(self.room);
                    self.sent.extend(&pump.output()[..count]);
                    self.room -= count;
                    let written = match count {
                        _ if self.broken => Poll::Ready(0),
                        0 => Poll::Pending,
                        count => Poll::Ready(count),
                    };
                    pump.handle_write(written, now);
                }
                Step::Flush => pump.handle_flush(Poll::Ready(true), now),
                Step::Wait(deadline) => {
                    let late = deadline.is_some_and(|deadline| deadline <= now);
                    pump.handle_wait(if late { Poll::Ready(()) } else { Poll::Pending });
                }
                Step::Rest | Step::Yield | Step::Done => break step,
            }
        };
        self.pump = Some(pump);
        end
    }
}

#[test]
fn a_call_is_read_worked_at_written_and_flushed_in_one_turn() {
    let mut rig = Rig::new();
    assert_eq!(rig.run(), Step::Rest);
    assert_eq!(rig.log, "RWWR", "read, work, wait, rest");
    rig.input.extend(b"a");
    assert_eq!(rig.run(), Step::Rest);
    // Read, work, write, flush, wait; then the read that makes the reader wake us; then rest.
    assert_eq!(rig.log, "RWWFWRR");
    assert_eq!(rig.sent, [b'a'; 10]);
}

#[test]
fn a_reader_that_takes_nothing_stops_reading_until_it_does() {
    let mut rig = Rig::new();
    rig.room = 5;
    rig.read_at_a_time = 1;
    rig.input.extend([b'x'; 100]);
    assert_eq!(rig.run(), Step::Rest);
    let heard = rig.server().heard;
    // The rest of one buffer, and one machine full.
    assert!(heard < 10, "{heard} bytes were read for nobody");
    // Nothing changes by being woken for nothing.
    assert_eq!(rig.run(), Step::Rest);
    assert_eq!(rig.server().heard, heard);
    while rig.sent.len() < 1000 {
        rig.room = 7;
        assert_ne!(rig.run(), Step::Done);
    }
    assert_eq!(rig.server().heard, 100);
    assert!(rig.server().most_waiting <= MOST + 10);
}

#[test]
fn a_flood_lets_others_run() {
    let mut rig = Rig::new();
    rig.read_at_a_time = 1;
    rig.input.extend([b'x'; 100]);
    assert_eq!(rig.run(), Step::Yield);
    assert_eq!(rig.server().worked, TURNS as usize);
    let mut yields = 1;
    while rig.run() == Step::Yield {
        yields += 1;
    }
    assert_eq!((rig.sent.len(), yields), (1000, 3));
}

#[test]
fn what_is_due_is_done_and_then_it_rests() {
    let mut rig = Rig::new();
    rig.server().deadline = Some(Instant::from_nanos(5));
    assert_eq!(rig.run(), Step::Rest);
    let before = rig.server().worked;
    rig.now = 5;
    assert_eq!(rig.run(), Step::Rest);
    assert_eq!(rig.server().worked, before + 1);
}

#[test]
fn a_peer_that_has_gone_is_sent_nothing_more() {
    let mut rig = Rig::new();
    rig.broken = true;
    rig.input.extend(b"a");
    assert_eq!(rig.run(), Step::Done);
    assert!(rig.server().mute);
}

#[test]
fn a_reset_ends_both_directions() {
    let mut rig = Rig::new();
    rig.room = 0;
    rig.input.extend(b"a");
    assert_eq!(rig.run(), Step::Rest);
    rig.reset = true;
    assert_eq!(rig.run(), Step::Done);
    assert!(rig.server().mute && rig.server().ending);
}

#[test]
fn the_end_waits_for_what_is_to_be_written_but_not_for_ever() {
    let ending = || {
        let mut rig = Rig::new();
        rig.room = 5;
        rig.input.extend(b"ab");
        rig.input_ends = true;
        assert_eq!(rig.run(), Step::Rest);
        rig
    };
    let mut taken = ending();
    taken.room = 100;
    assert_eq!(taken.run(), Step::Done);
    assert_eq!(taken.sent.len(), 20);
    let mut left = ending();
    left.now = 99;
    assert_eq!(left.run(), Step::Rest);
    left.now = 100;
    assert_eq!(left.run(), Step::Done);
    assert_eq!(left.sent.len(), 5);
}

#[derive(Clone, Debug)]
enum Happening {
    Bytes(usize),
    Room(usize),
    Time(u64),
    Wake,
    End,
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let happening = prop_oneof![
        (1..50_usize).prop_map(Happening::Bytes),
        (1..200_usize).prop_map(Happening::Room),
        (1..50_u64).prop_map(Happening::Time),
        Just(Happening::Wake),
        Just(Happening::End),
    ];
    proptest::collection::vec(happening, 1..40)
}

proptest! {
    /// However the streams behave: all that is taken in is answered in order while there is room,
    /// little is held, and the loop comes to rest.
    #[test]
    fn nothing_is_lost_and_nothing_spins(happenings in happenings(), at_a_time in 1..20_usize) {
        let mut rig = Rig::new();
        rig.room = 0;
        rig.read_at_a_time = at_a_time;
        let mut fed = 0_usize;
        for happening in happenings {
            match happening {
                Happening::Bytes(count) if !rig.input_ends => {
                    rig.input.extend((fed..fed + count).map(|n| n as u8));
                    fed += count;
                }
                Happening::Room(bytes) => rig.room = bytes,
                Happening::Time(passed) => rig.now += passed,
                Happening::End => rig.input_ends = true,
                _ => {}
            }
            let mut end = rig.run();
            let mut yields = 0;
            while end == Step::Yield {
                yields += 1;
                prop_assert!(yields < 1000, "it never rests");
                end = rig.run();
            }
            let heard = rig.server().heard;
            let expected: Vec<u8> = (0..heard).flat_map(|n| vec![n as u8; 10]).collect();
            prop_assert!(expected.starts_with(&rig.sent));
            // What waits in the machine and what is being written.
            prop_assert!(heard * 10 - rig.sent.len() <= 2 * (MOST + 10 * at_a_time));
            if end == Step::Done {
                break;
            }
            if rig.room > 0 && !rig.input_ends {
                prop_assert_eq!(rig.sent.len(), fed * 10, "there was room for all");
            }
        }
    }
}
