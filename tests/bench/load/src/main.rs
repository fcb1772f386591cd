//! Drives Model Context Protocol servers, checks every response, and compares.

mod check;
mod compare;
mod conn;
mod drive;
mod footprint;
mod goals;
mod growth;
mod histogram;
mod inbox;
mod measure;
mod options;
mod plot;
mod probe;
mod proc;
mod roster;
mod server;
mod single;
mod table;
mod versions;
mod wire;

use std::process::ExitCode;

const USAGE: &str = "usage: mcp-bench COMMAND [OPTION]...

  run SERVER           calls at full speed: rate, latency, CPU and memory of the server
  instructions SERVER  instructions in user space for each call, by callgrind
  system-calls SERVER  system calls for each call, by strace
  allocations SERVER   allocations for each call, by memcheck
  start SERVER         from the start of the process to its first response
  sessions SERVER      memory for each of --count idle sessions
  listens SERVER       memory for each of --count listen streams
  client SERVER        the client of this implementation against the null server

  compare              all of it for all servers, as a table

For one server:
  --transport stdio|http  --era legacy|modern  --call add|quick|BYTES  --connections N  --window N
  --seconds S  --calls N  --count N
For the comparison:
  --quick  --growth  --footprint  --publish  --servers A,B  --sections A,B  --seconds S  --rounds N";

fn main() -> ExitCode {
    proc::allow_many_files();
    let mut arguments = std::env::args().skip(1);
    let done = match arguments.next().as_deref() {
        None | Some("help" | "--help") => {
            println!("{USAGE}");
            Ok(())
        }
        Some("compare") => compare::run(arguments),
        Some(command) => single::run(command, arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("mcp-bench: {why}");
            ExitCode::FAILURE
        }
    }
}
