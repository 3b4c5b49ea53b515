//! Values in HTTP bodies: leaves of JSON under the path of the URL, told when they change.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;
mod follow;

use common::{Piece, Run, battery};
use follow::{answer, chunked, dressed, get, gzip, model};
use wire::dissect::Dir::{ToClient, ToServer};

const JSON: &str = "Content-Type: application/json";

/// A response of JSON with its length.
fn says(body: &str) -> Piece {
    answer(&format!("200 OK\r\n{JSON}\r\nContent-Length: {}", body.len()), body.as_bytes())
}

/// A request with a body.
fn sends(line: &str, kind: &str, body: &str) -> Piece {
    let head = format!("{line} HTTP/1.1\r\nHost: plant\r\n{kind}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    (ToServer, head.into_bytes())
}

/// `frame tag value text quality` of the changes that a script brings; each entry is a packet.
fn told(run: &mut Run, script: &[Piece]) -> Vec<String> {
    for (packet, (dir, bytes)) in script.iter().enumerate() {
        run.feed(packet, *dir, bytes);
    }
    run.end(script.len());
    let tables = run.tables();
    let values = tables.iter().find(|t| t.name == "tag_values").unwrap();
    values.lines(&["ts", "source", "quality"]).iter().map(|l| l.replace("tag_values frame=", "")).collect()
}

fn values(script: &[Piece]) -> Vec<String> {
    told(&mut Run::new(dressed("http")), script)
}

#[test]
fn responses_stand_under_their_path_and_requests_under_method_and_path() {
    let script = [
        get("/v1/tags/temp?token=hunter2#x"),
        says(r#"{"value": 21.5, "unit": "C"}"#),
        sends("POST /v1/models/wear:predict", JSON, r#"{"instances": [[0.5, 3]]}"#),
        says(r#"{"predictions": [{"label": "ok", "p": 0.97}]}"#),
        get("/v1/tags/temp"),
        says(r#"{"value": 21.50, "unit": "C"}"#),
        get("/v1/tags/temp"),
        says(r#"{"value": 22, "unit": "C"}"#),
        sends("PUT http://user:pw@plant/v1/tags/temp", JSON, r#"{"value": 5}"#),
        says(r#"{"value": 22}"#),
    ];
    assert_eq!(
        values(&script),
        [
            "2 tag=/v1/tags/temp#value value=21.5 text=",
            "2 tag=/v1/tags/temp#unit value=null text=C",
            "3 tag=POST /v1/models/wear:predict#instances[0][0] value=0.5 text=",
            "3 tag=POST /v1/models/wear:predict#instances[0][1] value=3 text=",
            "4 tag=/v1/models/wear:predict#predictions[0].label value=null text=ok",
            "4 tag=/v1/models/wear:predict#predictions[0].p value=0.97 text=",
            "8 tag=/v1/tags/temp#value value=22 text=",
            "9 tag=PUT /v1/tags/temp#value value=5 text=",
        ]
    );
}

#[test]
fn chunked_coded_and_undeclared_bodies() {
    let body = br#"{"score": 0.25}"#;
    let packed = gzip(body);
    let length = |n: usize| format!("200 OK\r\nContent-Length: {n}");
    let script = [
        get("/a"),
        answer(&format!("200 OK\r\n{JSON}\r\nTransfer-Encoding: chunked"), &chunked(body, 4)),
        get("/b"),
        answer(&format!("{}\r\n{JSON}; charset=utf-8\r\nContent-Encoding: gzip", length(packed.len())), &packed),
        get("/c"),
        answer(&format!("{}\r\nContent-Type: text/html", length(body.len())), body),
        get("/d"),
        answer(&length(body.len() + 3), b"{\"score\": 0.25} ok"),
        get("/e"),
        answer(&length(5), b"hello"),
        get("/f"),
        answer("200 OK", body),
    ];
    let wanted = [(2, "/a"), (4, "/b"), (6, "/c"), (13, "/f")];
    assert_eq!(values(&script), wanted.map(|(frame, path)| format!("{frame} tag={path}#score value=0.25 text=")));
}

#[test]
fn what_is_no_value_is_not_told() {
    let model = br#"{"learner": {"attributes": {}, "feature_names": []}}"#;
    let script = [
        get("/a"),
        answer(&format!("404 Not Found\r\n{JSON}\r\nContent-Length: 9"), br#"{"id": 7}"#),
        get("/b"),
        answer(
            &format!("206 Partial Content\r\n{JSON}\r\nContent-Range: bytes 0-8/9\r\nContent-Length: 9"),
            b"[1, 2, 3]",
        ),
        get("/c"),
        answer(&format!("200 OK\r\n{JSON}\r\nContent-Encoding: br\r\nContent-Length: 3"), b"[1]"),
        get("/d"),
        answer(&format!("200 OK\r\n{JSON}\r\nContent-Length: {}", model.len()), model),
        sends("POST /form", "Content-Type: application/x-www-form-urlencoded", "[1]"),
        answer("204 No Content", b""),
        (ToClient, says("[1]").1),
    ];
    assert_eq!(values(&script), Vec::<String>::new());
}

#[test]
fn secrets_are_not_kept_whatever_their_type() {
    let script = [
        sends("POST /api/login", JSON, r#"{"name": "ann", "code": 4711}"#),
        says(r#"{"ok": true}"#),
        sends(
            "POST /api/users",
            JSON,
            r#"{"name": "ann", "password": 4711, "auth": {"kind": "x", "n": [1]}, "api-key": "k"}"#,
        ),
        says(r#"{"accessToken": "t", "tokens": ["a", 2], "id": 3}"#),
        get("/api/0123456789abcdef0123456789abcdef/lights"),
        says("[1]"),
    ];
    assert_eq!(
        values(&script),
        [
            "3 tag=POST /api/users#name value=null text=ann",
            "4 tag=/api/users#id value=3 text=",
            "6 tag=/api/*/lights#[0] value=1 text=",
        ]
    );
}

#[test]
fn polls_on_connections_of_their_own_are_told_when_they_change() {
    let mut run = Run::new(dressed("http"));
    let poll = |n: u32| [get("/state"), says(&format!(r#"{{"n": {n}, "mode": "auto"}}"#))];
    let first = told(&mut run, &poll(1));
    assert_eq!(first.len(), 2);
    for (n, wanted) in [(1, 0), (2, 1), (2, 0), (3, 1)] {
        let mut next = Run::new(dressed("http"));
        next.expected = std::mem::take(&mut run.expected);
        assert_eq!(told(&mut next, &poll(n)).len(), wanted, "{n}");
        run = next;
    }
    let mut other = Run::new(dressed("http"));
    other.expected = std::mem::take(&mut run.expected);
    other.ends.server[15] = 9;
    assert_eq!(told(&mut other, &poll(3)).len(), 2, "another server's values are its own");
}

#[test]
fn limits_hold_and_are_counted() {
    let mut run = Run::new(dressed("http"));
    run.limits.http_json_bytes = 40;
    run.limits.http_values = 3;
    let long = format!("[{}]", "1,".repeat(30) + "1");
    let script = [get("/a"), says(&long), get("/b"), says("[1,2,3,4,5]"), get("/c"), says("[1,2,3]")];
    assert_eq!(told(&mut run, &script).len(), 6);
    assert_eq!(run.rows.http_over, [1, 1]);
    let mut run = Run::new(dressed("http"));
    run.limits.http_tags = 4;
    let polls: Vec<Piece> = (0..40).flat_map(|n| [get(&format!("/{}", n % 20)), says("[1]")]).collect();
    assert_eq!(told(&mut run, &polls).len(), 40, "what was forgotten is told again");
}

#[test]
fn after_a_hole_no_response_is_taken_for_another_request_s() {
    let mut run = Run::new(dressed("http"));
    run.feed(0, ToServer, &get("/a").1);
    run.gap(1, ToClient, 500);
    run.feed(2, ToServer, &get("/b").1);
    run.feed(3, ToClient, &says(r#"{"v": 2}"#).1);
    let script = [get("/c"), says(r#"{"v": 3}"#)];
    assert_eq!(told(&mut run, &script), ["4 tag=/b#v value=2 text=", "2 tag=/c#v value=3 text="]);
}

#[test]
fn the_battery() {
    let file = model(300, 1);
    let put = format!("PUT /m.safetensors HTTP/1.1\r\nHost: r\r\nContent-Length: {}\r\n\r\n", file.len());
    let script = [
        get("/v1/tags"),
        says(r#"{"a": [1, {"b": "x\u00e4"}], "c": null}"#),
        sends("POST /v1/wear", JSON, r#"[0.5]"#),
        answer(&format!("200 OK\r\n{JSON}\r\nTransfer-Encoding: chunked"), &chunked(br#"{"score": 0.25}"#, 6)),
        (ToServer, [put.as_bytes(), &file].concat()),
        answer("201 Created\r\nContent-Length: 0", b""),
    ];
    battery(&|| dressed("http"), &script);
}
