//! Tasks in files: what is left of them when the server's process is killed in the middle.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use serde_json::{Value, json};

struct Server {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    requests: u64,
}

impl Server {
    fn start(folder: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_fixture-file-tasks"))
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            input: child.stdin.take().unwrap(),
            output: BufReader::new(child.stdout.take().unwrap()),
            child,
            requests: 0,
        }
    }

    fn request(&mut self, method: &str, mut params: Value) -> Value {
        self.requests += 1;
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {
                "elicitation": {}, "extensions": {"io.modelcontextprotocol/tasks": {}},
            },
        });
        let request =
            json!({"jsonrpc": "2.0", "id": self.requests, "method": method, "params": params});
        writeln!(self.input, "{request}").unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        let mut answer: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(answer["id"], self.requests, "{answer}");
        answer["result"].take()
    }

    fn begin(&mut self, tool: &str, arguments: &Value) -> String {
        let created = self.request("tools/call", json!({"name": tool, "arguments": arguments}));
        assert_eq!(created["resultType"], "task", "{created}");
        created["taskId"].as_str().unwrap().into()
    }

    fn get(&mut self, task: &str) -> Value {
        self.request("tasks/get", json!({"taskId": task}))
    }

    // Until it has this status.
    fn wait_for(&mut self, task: &str, status: &str) -> Value {
        loop {
            let got = self.get(task);
            if got["status"] == status {
                return got;
            }
            assert_eq!(got["status"], "working", "{got}");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }

    // As the system does it to a process that it wants to be rid of.
    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    folder
}

#[test]
fn a_process_that_is_killed_leaves_its_tasks_in_a_state_that_is_true() {
    let folder = folder("killed");
    let mut server = Server::start(&folder);
    let done = server.begin("slow_compute", &json!({"seconds": 0, "label": "short"}));
    let working = server.begin("slow_compute", &json!({"seconds": 3600, "label": "long"}));
    let asking = server.begin("confirm_delete", &json!({"filename": "a.txt"}));
    server.wait_for(&done, "completed");
    server.wait_for(&asking, "input_required");
    server.kill();
    // A write that was cut off is no task.
    fs::write(folder.join("0123.part"), "{\"id\":").unwrap();

    let mut server = Server::start(&folder);
    let got = server.get(&done);
    assert_eq!(got["result"]["content"][0]["text"], "short took 0 s");
    let got = server.get(&working);
    assert_eq!(got["status"], "failed");
    assert_eq!(
        got["error"]["message"],
        "the server ended before the task did"
    );
    // What waits for an answer has lost nothing, and goes on.
    let got = server.get(&asking);
    let key = got["inputRequests"]
        .as_object()
        .unwrap()
        .keys()
        .next()
        .unwrap();
    let answers = json!({key: {"action": "accept", "content": {"confirm": true}}});
    server.request(
        "tasks/update",
        json!({"taskId": asking, "inputResponses": answers}),
    );
    let got = server.wait_for(&asking, "completed");
    assert_eq!(got["result"]["content"][0]["text"], "Deleted a.txt");
    server.kill();

    // Once told, it stays so.
    let mut server = Server::start(&folder);
    assert_eq!(server.get(&working)["status"], "failed");
    assert_eq!(server.get(&asking)["status"], "completed");
    server.kill();
    assert!(!folder.join("0123.part").exists());
}

#[test]
fn ids_that_lead_out_of_the_folder_lead_nowhere() {
    let folder = folder("elsewhere");
    let inner = folder.join("inner");
    let mut server = Server::start(&inner);
    let id = server.begin("slow_compute", &json!({"seconds": 0, "label": "here"}));
    server.wait_for(&id, "completed");
    // A task that could be read, were it in its place.
    let name = format!("{id}.json");
    for place in [&folder, &inner.join("a")] {
        fs::create_dir_all(place).unwrap();
        fs::copy(inner.join(&name), place.join(&name)).unwrap();
    }
    let whole = folder.join(&id);
    let ways = [
        format!("../{id}"),
        format!("a/{id}"),
        format!("./{id}"),
        format!("a\\{id}"),
        format!("{id}.json"),
        format!("{id}\u{0}"),
        whole.to_str().unwrap().to_owned(),
    ];
    for id in ways.iter().map(|way| &**way).chain(["..", ".", ""]) {
        assert!(server.get(id).is_null(), "{id:?}");
    }
    assert_eq!(server.get(&id)["status"], "completed");
    server.kill();
}
