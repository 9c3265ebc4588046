//! Text for a terminal.

/// A count with its noun: `1 run`, `2 runs`.
pub fn counted(count: usize, name: &str) -> String {
    match count {
        1 => format!("1 {name}"),
        count => format!("{count} {name}s"),
    }
}

/// Digits in groups of three.
pub fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A text whose control characters, except line ends, are replaced. Records may come from anybody, and a terminal obeys
/// control characters.
pub fn plain(text: &str) -> String {
    let letter = |letter: char| match letter {
        '\n' => '\n',
        '\t' => ' ',
        letter if letter.is_control() => char::REPLACEMENT_CHARACTER,
        letter => letter,
    };
    text.chars().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        for (number, text) in [(7, "7"), (318_410, "318,410"), (128_807_306, "128,807,306")] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn one_is_no_plural() {
        let counts = [0, 1, 2].map(|count| counted(count, "run"));
        assert_eq!(counts, ["0 runs", "1 run", "2 runs"]);
    }

    #[test]
    fn a_terminal_has_nothing_to_obey() {
        let evil = "a\u{1b}]0;title\u{7}\r\u{9b}31m\tb\nλ₁ ± ▲";
        assert_eq!(plain(evil), "a�]0;title��\u{fffd}31m b\nλ₁ ± ▲");
    }
}
