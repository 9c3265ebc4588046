//! The command that makes a run again.

use toml::{Table, Value};

use crate::cell::CellConfig;
use crate::grid::{Grid, loss_name};

/// What to give a shell to make the run of a configuration again, and a remark where it would not be the same.
///
/// The command is a grid of one cell with every option written out, so that it stays true when defaults change.
pub fn command(config: &CellConfig) -> (String, Option<String>) {
    let grid = grid(config);
    let command =
        format!("cat > again.toml <<'EOF'\n{grid}EOF\ncargo run --release -- run again.toml");
    let remark = match Grid::read("again", &grid, "again.toml", &[], &[], |_| ()) {
        Ok(read) if read.cells() == [config.clone()] => None,
        _ if config.lanczos_basis.is_some() => Some(
            "the sharpness was measured with fewer vectors than usual, for want of memory: add --memory with the budget \
             of that time"
                .to_owned(),
        ),
        Ok(_) => Some("this version of the program makes another configuration of it".to_owned()),
        Err(error) => Some(format!("this version of the program refuses it: {error}")),
    };
    (command, remark)
}

/// The grid, in TOML.
fn grid(config: &CellConfig) -> String {
    let mut table: Table = config.to_toml().parse().expect("a configuration is TOML");
    for (entry, list) in [
        ("dataset", "datasets"),
        ("network", "networks"),
        ("method", "methods"),
        ("seed", "seeds"),
    ] {
        if let Some(value) = table.remove(entry) {
            table.insert(list.to_owned(), Value::Array(vec![value]));
        }
    }
    table.remove("loss");
    let losses = vec![Value::from(loss_name(config.loss))];
    table.insert("losses".to_owned(), Value::Array(losses));
    table.remove("lanczos_basis");
    if config.first_per_class.is_some() {
        table.remove("samples");
    }
    if let Some(Value::Table(batches)) = table.remove("mini_batches") {
        table.extend(batches);
    }
    // One line for each key: tables that stand by themselves would need headings.
    let lines = table
        .iter()
        .map(|(key, value)| format!("{key} = {value}\n"));
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::presets::{self, Scale};

    /// Of every preset, at every scale.
    #[test]
    fn every_cell_of_every_preset_is_made_again_by_its_command() {
        let mut cells = 0;
        for name in presets::names() {
            for scale in [Scale::Paper, Scale::Laptop, Scale::Smoke] {
                let Ok(preset) = presets::read(name, scale) else {
                    continue;
                };
                let read = Grid::read(name, &preset.text, name, &[], &[], |_| ()).unwrap();
                for cell in read.cells() {
                    let (command, remark) = super::command(&cell);
                    assert_eq!(remark, None, "{command}");
                    assert!(command.contains("\nEOF\ncargo run"), "{command}");
                    cells += 1;
                }
            }
        }
        assert!(cells > 100, "{cells}");
    }

    #[test]
    fn a_cell_cut_to_memory_says_so() {
        let cell = CellConfig {
            lanczos_basis: Some(9),
            ..crate::memory::tests::cell()
        };
        assert!(command(&cell).1.unwrap().contains("--memory"));
    }
}
