//! The event files of TensorBoard: TFRecords of a protocol buffer, of which this writes the few fields it needs.
//!
//! The messages are `Event`, `Summary`, `SummaryMetadata` and `TensorProto` of
//! `tensorboard/compat/proto/{event,summary,tensor}.proto`. The crates there are (tfrecord, tensorboard-rs) bring a
//! protocol-buffer compiler or an asynchronous run time.

/// `DT_STRING` of `types.proto`.
const STRING: u64 = 7;

/// An event file in memory.
pub struct Events {
    bytes: Vec<u8>,
}

impl Events {
    /// A file that starts at this time, in seconds since 1970.
    pub fn new(time: f64) -> Self {
        let mut events = Self { bytes: Vec::new() };
        let mut version = Message::default();
        version.double(1, time);
        version.bytes(3, b"brain.Event:2");
        events.record(&version.0);
        events
    }

    /// Adds values at a step, each under its tag.
    pub fn scalars(&mut self, time: f64, step: u64, values: &[(&str, f64)]) {
        let mut summary = Message::default();
        for (tag, value) in values {
            let mut entry = Message::default();
            entry.bytes(1, tag.as_bytes());
            entry.float(2, *value as f32);
            summary.bytes(1, &entry.0);
        }
        self.event(time, step, &summary);
    }

    /// Adds a text in Markdown.
    pub fn text(&mut self, time: f64, tag: &str, markdown: &str) {
        let mut plugin = Message::default();
        plugin.bytes(1, b"text");
        let mut metadata = Message::default();
        metadata.bytes(1, &plugin.0);
        let mut tensor = Message::default();
        tensor.number(1, STRING);
        tensor.bytes(2, &[]); // a scalar's shape
        tensor.bytes(8, markdown.as_bytes());
        let mut entry = Message::default();
        entry.bytes(1, tag.as_bytes());
        entry.bytes(8, &tensor.0);
        entry.bytes(9, &metadata.0);
        let mut summary = Message::default();
        summary.bytes(1, &entry.0);
        self.event(time, 0, &summary);
    }

    fn event(&mut self, time: f64, step: u64, summary: &Message) {
        let mut event = Message::default();
        event.double(1, time);
        event.number(2, step);
        event.bytes(5, &summary.0);
        self.record(&event.0);
    }

    /// Its length, that length's checksum, the message, its checksum.
    fn record(&mut self, message: &[u8]) {
        let length = (message.len() as u64).to_le_bytes();
        self.bytes.extend(length);
        self.bytes.extend(masked_checksum(&length).to_le_bytes());
        self.bytes.extend(message);
        self.bytes.extend(masked_checksum(message).to_le_bytes());
    }

    /// The contents of the file.
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

/// CRC-32C, turned and shifted as TFRecords have it.
fn masked_checksum(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes)
        .rotate_right(15)
        .wrapping_add(0xa282_ead8)
}

/// A message of a protocol buffer.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    /// A field's number and how its value is encoded.
    fn key(&mut self, field: u64, wire: u64) {
        self.varint(field << 3 | wire);
    }

    fn number(&mut self, field: u64, value: u64) {
        self.key(field, 0);
        self.varint(value);
    }

    fn double(&mut self, field: u64, value: f64) {
        self.key(field, 1);
        self.0.extend(value.to_le_bytes());
    }

    /// A string, bytes or a message.
    fn bytes(&mut self, field: u64, bytes: &[u8]) {
        self.key(field, 2);
        self.varint(bytes.len() as u64);
        self.0.extend(bytes);
    }

    fn float(&mut self, field: u64, value: f32) {
        self.key(field, 5);
        self.0.extend(value.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What TensorBoard's own `RecordWriter` and message classes (2.21) make of the same events.
    const GOLDEN: [&str; 3] = [
        "1800000000000000a37f4b2209000000000000f83f1a0d627261696e2e4576656e743a322a28646c",
        "1a00000000000000129bd82d09000000000000004010ac022a0c0a0a0a03612f62150000803e432c",
        "da9c",
    ];

    #[test]
    fn a_file_has_the_bytes_that_tensorboard_expects() {
        let mut events = Events::new(1.5);
        events.scalars(2.0, 300, &[("a/b", 0.25)]);
        let hexadecimal: Vec<String> = (events.finish().iter())
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(hexadecimal.concat(), GOLDEN.concat());
    }

    /// The check value of CRC-32C, `0xe3069283`, turned and shifted.
    #[test]
    fn checksums_are_masked() {
        assert_eq!(crc32c::crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(masked_checksum(b"123456789"), 0xc78a_b0e5);
    }
}
