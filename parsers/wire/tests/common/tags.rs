//! The rows of the store's view `tag_values`, one a change, that those of `tag_changes` stand for.

use wire::columns::{Column, Finished};

/// The tables with changes of values a row each, which is how tests name them.
pub fn unfolded(tables: Vec<Finished>) -> Vec<Finished> {
    tables.into_iter().map(|t| if t.name == "tag_changes" { changes(&t) } else { t }).collect()
}

fn column<'a>(table: &'a Finished, name: &str) -> &'a Column {
    table.columns.iter().find(|(known, _)| *known == name).map(|(_, column)| column).unwrap()
}

fn list<'a>(table: &'a Finished, name: &str) -> (&'a [i32], &'a Column) {
    let Column::List { offsets, items } = column(table, name) else { panic!("{name} is no list") };
    (offsets, items)
}

fn changes(table: &Finished) -> Finished {
    let (ends, tags) = list(table, "tags");
    let (same, values) = list(table, "values");
    let (text_ends, texts) = list(table, "texts");
    assert_eq!(ends, same, "a value a tag");
    let (mut owners, mut said) = (vec![], vec![]);
    for row in 0..table.len() {
        let (count, text) = (ends[row + 1] - ends[row], text_ends[row]..text_ends[row + 1]);
        assert!(text.is_empty() || text.len() == count as usize, "a text a tag, or none at all");
        said.extend(
            (0..count).map(|n| if text.is_empty() { String::new() } else { texts.show((text.start + n) as usize) }),
        );
        owners.extend((0..count).map(|_| row));
    }
    let row = |name: &str| match column(table, name) {
        Column::Time(v) => Column::Time(owners.iter().map(|&i| v[i]).collect()),
        Column::Frame(v) => Column::Frame(owners.iter().map(|&i| v[i]).collect()),
        Column::Dictionary { keys, values } => {
            Column::Dictionary { keys: owners.iter().map(|&i| keys[i]).collect(), values: values.clone() }
        }
        _ => panic!("{name}"),
    };
    let mut offsets = vec![0];
    offsets.extend(said.iter().scan(0, |end, text| {
        *end += text.len() as i32;
        Some(*end)
    }));
    Finished {
        name: "tag_values",
        with_flow: true,
        flow: owners.iter().map(|&i| table.flow[i]).collect(),
        columns: vec![
            ("ts", row("ts")),
            ("frame", row("frame")),
            ("source", row("source")),
            ("tag", tags.clone()),
            ("value", values.clone()),
            ("text", Column::Text { offsets, bytes: said.concat().into_bytes(), utf8: true }),
            ("quality", row("quality")),
        ],
    }
}
