//! `wardline demo`: a fictional hospital.

use std::{fs, net::SocketAddr, path::PathBuf, sync::Arc};

use rust_embed::Embed;
use serde::Deserialize;
use wardline_clinical::ImportMode;
use wardline_domain::{Clock, Random, ruma::server_name};
use wardline_identity::{DISPLAY_NAME, IdentityError};

use crate::{
    Config, Error, House,
    house::{DATABASE, make_folder},
    serve,
};

/// `demo/` of the repository: staff, FHIR bundle, admissions, playbooks.
#[derive(Embed)]
#[folder = "$CARGO_MANIFEST_DIR/../../demo"]
struct Files;

/// Tells a demo folder from a real one, and a filled one from one whose filling was interrupted.
const MARK: &str = "demo";
const FILLED: &str = "filled\n";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Member {
    user: String,
    password: String,
    display_name: String,
    about: String,
}

/// The configuration of the demo hospital in `data` at `listen`.
pub(crate) fn config(data: PathBuf, listen: SocketAddr) -> Config {
    let mut config = Config::new(server_name!("riverside.example").to_owned(), data);
    config.listen = listen;
    config.log.level = "warn".to_owned();
    // Its passwords are printed anyway; so every client can be tried with it.
    config.accounts.password_login = Some(true);
    config.calls.manager_roles = vec!["site-manager".to_owned()];
    config
}

/// Opens the demo hospital, fills it if it is new, says where it is and who may sign in, and serves it.
///
/// # Errors
/// [`Error`], also when the folder holds something that is not a demo.
pub(crate) async fn run(
    config: &Config,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
) -> Result<(), Error> {
    let mark = config.data.join(MARK);
    let marked = fs::read_to_string(&mark).ok();
    if marked.is_none() && config.data.join(DATABASE).exists() {
        let text = format!("{}: holds a server that is not a demo", config.data.display());
        return Err(Error::Check(text));
    }
    let listener = serve::bind(config.listen).await?;
    let filled = marked.as_deref() == Some(FILLED);
    let write = |text| fs::write(&mark, text).map_err(|source| Error::File { path: mark.clone(), source });
    if !filled {
        // Before there is a database: a start that is interrupted leaves a demo behind, not a riddle.
        make_folder(&config.data)?;
        write("")?;
    }
    let house = House::open(config, listener.local_addr()?, clock, random).await?;
    let staff = staff()?;
    if !filled {
        fill(&house, &staff).await?;
        write(FILLED)?;
    }
    welcome(listener.local_addr()?, &staff);
    serve::run(config, house, listener).await
}

fn staff() -> Result<Vec<Member>, Error> {
    serde_json::from_slice(&embedded("staff.json")?)
        .map_err(|error| Error::Check(format!("demo/staff.json: {error}")))
}

fn embedded(name: &str) -> Result<Vec<u8>, Error> {
    let missing = || Error::Check(format!("demo/{name}: not in this build"));
    Files::get(name).map(|file| file.data.into_owned()).ok_or_else(missing)
}

/// Every step may be repeated, so an interrupted filling is completed by the next start.
async fn fill(house: &House, staff: &[Member]) -> Result<(), Error> {
    for member in staff {
        match house.identity().create_account(&member.user, Some(&member.password), false).await {
            Ok(_) | Err(IdentityError::UserInUse) => {}
            Err(error) => return Err(error.into()),
        }
        if let Some(user) = house.identity().local_user(&member.user) {
            let name = serde_json::Value::from(member.display_name.as_str());
            house.identity().set_profile_field(&user, DISPLAY_NAME, Some(&name)).await?;
        }
    }
    let playbooks = Files::iter().filter(|name| name.starts_with("playbooks/"));
    let files = ["bundle.json".into()].into_iter().chain(playbooks).chain(["admissions.hl7".into()]);
    for name in files {
        house.clinical().import(&embedded(&name)?, ImportMode::Strict).await?;
    }
    match house.clinical().drain_outbox().await? {
        0 => Ok(()),
        left => Err(Error::Check(format!("{left} patients have no conversation yet; start again"))),
    }
}

/// The one line that says where, and a table of who.
fn welcome(address: SocketAddr, staff: &[Member]) {
    println!("Riverside General Hospital (a fiction) is ready at http://{address}");
    println!("\nSign in as:");
    let width = |of: fn(&Member) -> &str| staff.iter().map(|m| of(m).chars().count()).max().unwrap_or(0);
    let (users, names) = (width(|m| &m.user), width(|m| &m.display_name));
    for Member { user, password, display_name, about } in staff {
        println!("  {user:users$}  {password}  {display_name:names$}  {about}");
    }
    println!("\nStop it with Ctrl-C.");
}
