//! Tables: columns for people, an array of the same rows with --json.

use serde::Serialize;
use serde_json::Value;

use crate::output::print;

/// Prints rows, in columns named like the rows' fields.
pub(crate) fn table<T: Serialize>(json: bool, rows: &[T]) -> anyhow::Result<()> {
    if json {
        print(format!("{}\n", serde_json::to_string_pretty(rows)?).as_bytes());
        return Ok(());
    }
    let lines: Vec<Vec<(String, String)>> = rows.iter().map(cells).collect::<Result<_, _>>()?;
    let Some(first) = lines.first() else { return Ok(()) };
    let mut columns: Vec<Vec<&str>> = first.iter().map(|(name, _)| vec![name.as_str()]).collect();
    for line in &lines {
        for (column, (_, cell)) in columns.iter_mut().zip(line) {
            column.push(cell);
        }
    }
    let widths: Vec<usize> = columns
        .iter()
        .map(|column| column.iter().map(|cell| cell.chars().count()).max().unwrap_or(0))
        .collect();
    let mut out = String::new();
    for row in 0..=lines.len() {
        let cells =
            columns.iter().zip(&widths).map(|(column, width)| format!("{:width$}", column[row]));
        out += cells.collect::<Vec<_>>().join("  ").trim_end();
        out.push('\n');
    }
    print(out.as_bytes());
    Ok(())
}

/// A row's fields in order, but for `schema` and `notes`, which only programs read.
fn cells<T: Serialize>(row: &T) -> anyhow::Result<Vec<(String, String)>> {
    let text = serde_json::to_string(row)?;
    let fields: Fields = serde_json::from_str(&text)?;
    Ok(fields
        .0
        .into_iter()
        .filter(|(name, _)| name != "schema" && name != "notes")
        .map(|(n, v)| (n, cell(&v)))
        .collect())
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Number(number) if number.is_f64() => {
            let value = number.as_f64().unwrap_or(0.0);
            if value.abs() >= 100.0 { format!("{value:.0}") } else { format!("{value:.2}") }
        }
        other => other.to_string(),
    }
}

/// An object's fields in the order they were written; `serde_json`'s map sorts them.
struct Fields(Vec<(String, Value)>);

impl<'de> serde::Deserialize<'de> for Fields {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Fields;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    fields.push(entry);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}
