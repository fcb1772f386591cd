//! The fixture server over stdio, with its tasks in a folder: `fixture-file-tasks FOLDER`.

use std::{env, process::ExitCode};

use bind_blocking::serve_stdio;
use mcp_file_tasks::FileTaskStore;
use mcp_server_core::Tasks;
use mcp_tests::fixture;

fn main() -> ExitCode {
    let Some(folder) = env::args_os().nth(1) else {
        eprintln!("usage: fixture-file-tasks FOLDER");
        return ExitCode::from(2);
    };
    let served = FileTaskStore::open(folder)
        .map_err(bind_blocking::Error::from)
        .and_then(|store| serve_stdio(fixture::server_with(Tasks::in_store(store))));
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fixture-file-tasks: {error}");
            ExitCode::FAILURE
        }
    }
}
