//! Public captures against tshark's dissection, message by message. Skipped where they are not at hand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod opcua_support;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use wire::columns::{Column, Finished};
use wire::limits::Limits;

/// Frame, message type; request id, type id and policy where the truth has them.
type Key = (u64, String);
type Fields = [Option<String>; 3];

fn corpus() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus/dev");
    let path = std::env::var_os("DRIFTSPAN_CORPUS").map_or(beside, PathBuf::from);
    path.is_dir().then_some(path)
}

fn truths(folder: &Path, out: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            truths(&path, out);
        } else if path.to_string_lossy().contains(".tshark.tsv") {
            out.push(path);
        }
    }
}

fn text_of(path: &Path) -> String {
    let bytes = if path.extension().is_some_and(|e| e == "gz") {
        std::process::Command::new("gzip").arg("-dc").arg(path).output().unwrap().stdout
    } else {
        std::fs::read(path).unwrap()
    };
    String::from_utf8_lossy(&bytes).into_owned()
}

fn last_part(policy: &str) -> String {
    policy.rsplit(['#', '/']).next().unwrap_or_default().to_lowercase()
}

/// The truth's messages: final chunks only; where the channel is secured only frame, type and policy count.
fn truth(text: &str) -> Vec<(Key, Fields)> {
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap_or_default().split('\t').collect();
    let mut secured: Vec<String> = Vec::new();
    let mut out = Vec::new();
    for line in lines {
        let cells: Vec<&str> = line.split('\t').collect();
        let get = |name: &str| names.iter().position(|n| *n == name).and_then(|i| cells.get(i)).copied().unwrap_or("");
        if get("proto") != "opcua"
            || !get("note").is_empty()
            || !matches!(get("ua_chunk"), "F" | "")
            || get("ua_type").is_empty()
        {
            continue;
        }
        let ends = [format!("{}:{}", get("src"), get("sport")), format!("{}:{}", get("dst"), get("dport"))];
        let both = [ends.join(" "), format!("{} {}", ends[1], ends[0])];
        let policy = last_part(get("ua_policy"));
        if !policy.is_empty() && policy != "none" {
            secured.extend(both.clone());
        }
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let open = !secured.contains(&both[0]);
        let fields = [some(get("ua_reqid")).filter(|_| open), some(get("ua_svc")).filter(|_| open), some(&policy)];
        out.push(((get("frame").parse().unwrap(), get("ua_type")[..3].to_uppercase()), fields));
    }
    out
}

fn column<'a>(table: &'a Finished, name: &str) -> &'a Column {
    &table.columns.iter().find(|(n, _)| *n == name).unwrap().1
}

fn ours(table: &Finished) -> Vec<(Key, Fields)> {
    let mut out = Vec::new();
    for row in 0..table.len() {
        for side in ["request", "response"] {
            let frame: u64 = column(table, &format!("{side}_frame")).show(row).parse().unwrap();
            if frame == 0 {
                continue;
            }
            let show = |name: &str| Some(column(table, name).show(row));
            let fields = [
                show("request_id"),
                show(&format!("{side}_type_id")),
                show("security_policy").map(|p| p.to_lowercase()),
            ];
            out.push(((frame, column(table, "message_type").show(row)), fields));
        }
    }
    out
}

/// Agreed, and a line for each difference.
fn compare(truth: &[(Key, Fields)], ours: &[(Key, Fields)]) -> (usize, Vec<String>) {
    let mut pool: HashMap<&Key, Vec<&Fields>> = HashMap::new();
    for (key, fields) in ours {
        pool.entry(key).or_default().push(fields);
    }
    let (mut agreed, mut differences) = (0, Vec::new());
    for (key, want) in truth {
        let Some(have) = pool.get_mut(key).filter(|l| !l.is_empty()) else {
            differences.push(format!("missing {key:?} {want:?}"));
            continue;
        };
        let off = |have: &Fields| want.iter().zip(have).filter(|(w, h)| w.is_some() && w != h).count();
        let best = (0..have.len()).min_by_key(|&i| off(have[i])).unwrap();
        let best = have.remove(best);
        if off(best) == 0 {
            agreed += 1;
        } else {
            differences.push(format!("differs {key:?} truth {want:?} ours {best:?}"));
        }
    }
    let mut extra: Vec<String> =
        pool.iter().flat_map(|(k, l)| l.iter().map(move |f| format!("extra {k:?} {f:?}"))).collect();
    extra.sort();
    differences.extend(extra);
    (agreed, differences)
}

#[test]
fn agrees_with_tshark() {
    let Some(folder) = corpus() else {
        eprintln!("skipped: no ../shared/corpus beside the repository");
        return;
    };
    let mut paths = Vec::new();
    truths(&folder, &mut paths);
    let only = std::env::var("ONLY").unwrap_or_default();
    let (mut all, mut good) = (0, 0);
    for path in paths.iter().filter(|p| p.to_string_lossy().contains(&only)) {
        let name = path.to_string_lossy().split(".tshark.tsv").next().unwrap().to_owned();
        let truth = truth(&text_of(path));
        // Fragmented IP is the business of another layer.
        if truth.is_empty() || name.contains(".frag-") {
            continue;
        }
        let mut found = opcua_support::run(&std::fs::read(&name).unwrap(), &Limits::default());
        let tables = found.rows.take();
        let table = tables.iter().find(|t| t.name == "opcua").unwrap();
        let (agreed, differences) = compare(&truth, &ours(table));
        all += truth.len();
        good += agreed;
        let anomalies = tables.iter().find(|t| t.name == "anomalies").unwrap();
        println!("{agreed} of {} differences {} anomalies {} {name}", truth.len(), differences.len(), anomalies.len());
        for line in differences.iter().take(5) {
            println!("    {line}");
        }
        for line in anomalies.lines(&["ts"]).iter().take(5) {
            println!("    {line}");
        }
    }
    println!("{good} of {all}");
    assert!(good * 1_000 >= all * 995, "{good} of {all} agree");
}

/// Every capture there is, whatever it holds, offered as OPC UA: nothing may panic or run away.
#[test]
fn no_capture_panics() {
    let Some(folder) = corpus() else {
        eprintln!("skipped: no ../shared/corpus beside the repository");
        return;
    };
    let mut paths = vec![folder];
    let mut captures = 0;
    while let Some(path) = paths.pop() {
        if path.is_dir() {
            paths.extend(std::fs::read_dir(&path).unwrap().map(|e| e.unwrap().path()));
            continue;
        }
        let small = path.metadata().unwrap().len() < 4_000_000;
        if small && path.extension().is_some_and(|e| e == "pcap" || e == "pcapng" || e == "cap") {
            let packets = opcua_support::packets(&std::fs::read(&path).unwrap());
            opcua_support::offer_all(&packets);
            captures += 1;
        }
    }
    assert!(captures > 50, "{captures} captures");
}
