//! Barline as a program of its own, for trying it without a host: `cargo run -p plugin --features standalone`.

fn main() {
    nice_plug::prelude::nice_export_standalone::<plugin::Barline>();
}
