//! The command that reproduces a run.
//!
//! It is a grid of one run. The grid is read back and compared with the configuration of the run before it is shown.

use flatland_config::{GridSpec, RunConfig};
use toml::{Table, Value};

/// The command for a shell that reproduces a run, and a remark if it would not be the same run.
///
/// The command is a grid of one run with every option written out, so that it stays true when defaults change. The
/// configuration may come from anybody, and whoever copies the command trusts it: no text in it can end the document
/// that the shell hands on, or reach a terminal as anything but letters.
pub fn command(config: &RunConfig) -> (String, Option<String>) {
    let grid = grid(config);
    let end = end_of(&grid);
    let command =
        format!("cat > again.toml <<'{end}'\n{grid}{end}\ncargo run --release -- run again.toml");
    let read = GridSpec::parse("again", &grid, "again.toml").and_then(GridSpec::check);
    let remark = match read {
        Ok(read) if read.runs(config.device) == [config.clone()] => None,
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

/// A word that is no line of a text: `EOF`, if that will do.
fn end_of(text: &str) -> String {
    let mut end = "EOF".to_owned();
    while text.lines().any(|line| line == end) {
        end.push('F');
    }
    end
}

/// A value in TOML, in one line. `toml` writes a text with line ends in several.
fn written(value: &Value) -> String {
    let text = match value {
        Value::String(text) => serde_json::Value::from(text.as_str()).to_string(),
        value => value.to_string(),
    };
    let letter = |letter: char| {
        if letter.is_control() {
            format!("\\u{:04X}", letter as u32)
        } else {
            letter.to_string()
        }
    };
    text.chars().map(letter).collect()
}

/// The grid, in TOML.
fn grid(config: &RunConfig) -> String {
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
    let losses = vec![Value::from(config.loss.to_string())];
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
        .map(|(key, value)| format!("{key} = {}\n", written(value)));
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::run_config;
    use flatland_config::presets::{self, Scale};

    /// Of every preset, at every scale.
    #[test]
    fn every_run_of_every_preset_is_reproduced_by_its_command() {
        let mut runs = 0;
        for name in presets::names() {
            for scale in [Scale::Paper, Scale::Laptop, Scale::Smoke] {
                let Ok(preset) = presets::read(name, scale) else {
                    continue;
                };
                let spec = GridSpec::parse(name, &preset.text, name).unwrap();
                for run in spec
                    .check()
                    .unwrap()
                    .runs(flatland_config::DeviceName::Auto)
                {
                    let (command, remark) = super::command(&run);
                    assert_eq!(remark, None, "{command}");
                    assert!(command.contains("\nEOF\ncargo run"), "{command}");
                    runs += 1;
                }
            }
        }
        assert!(runs > 100, "{runs}");
    }

    /// A path that tries to end the document and to have the shell do something else.
    #[test]
    fn a_shell_makes_of_any_path_the_path_and_nothing_else() {
        for path in [
            "weights\nEOF\ntouch pwned\ncat <<'EOF'\n.pt",
            "\r\nEOF\r\ntouch pwned\r\n",
            "'$(touch pwned)`touch pwned`\"\\\"\"\"\n'''\nEOF\n",
            "\u{1b}[201~\ntouch pwned\n\u{7f}\u{9b}31m\t",
        ] {
            let run = RunConfig {
                init: path.to_owned().into(),
                ..run_config()
            };
            let (command, _) = super::command(&run);
            let is_plain = |letter: char| letter == '\n' || !letter.is_control();
            assert!(command.chars().all(is_plain), "{command:?}");
            let grid: Table = grid(&run).parse().unwrap();
            assert_eq!(grid["init"].as_str(), Some(path));
            #[cfg(unix)]
            {
                let folder = tempfile::TempDir::new().unwrap();
                let (document, last) = command.rsplit_once('\n').unwrap();
                assert!(last.starts_with("cargo run"), "{command}");
                let shell = std::process::Command::new("sh")
                    .args(["-c", document])
                    .current_dir(folder.path())
                    .output();
                assert!(shell.unwrap().stderr.is_empty(), "{command}");
                let again = std::fs::read_to_string(folder.path().join("again.toml")).unwrap();
                assert_eq!(again.parse::<Table>().unwrap(), grid);
                assert_eq!(folder.path().read_dir().unwrap().count(), 1, "{command}");
            }
        }
        assert_eq!(end_of("a\nEOF\nEOFF\n"), "EOFFF");
    }

    #[test]
    fn a_run_cut_to_memory_says_so() {
        let run = RunConfig {
            lanczos_basis: Some(9),
            ..run_config()
        };
        assert!(command(&run).1.unwrap().contains("--memory"));
    }
}
