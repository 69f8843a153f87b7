//! The web app is embedded from `web/dist`. A checkout without a web build still compiles: the folder is made
//! empty, and the server then says on `/` how to build the app. A file that is new there, or in `demo`, is seen.

use std::path::Path;

fn main() -> std::io::Result<()> {
    let dist = Path::new("../../web/dist");
    std::fs::create_dir_all(dist)?;
    println!("cargo:rerun-if-changed={}", dist.display());
    println!("cargo:rerun-if-changed=../../demo");
    Ok(())
}
