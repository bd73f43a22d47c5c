//! Link arguments of the plugin library; run by Cargo alone.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // A host may close the library while one of its threads still runs: the library then stays mapped until the
    // process ends (invariant 8). Windows pins itself when threads exist.
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
}
