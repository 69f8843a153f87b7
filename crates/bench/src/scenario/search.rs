//! (l) Search of the people of a server by name.

use serde_json::json;
use tokio::time::Instant;

use crate::{
    error::{Error, Result},
    house::House,
    measure::{Measurement, Meter},
    stats::Samples,
    wire::Request,
};

const PATH: &str = "/_matrix/client/v3/user_directory/search";
const TERMS: [&str; 10] =
    ["bench", "bench0001", "bench00", "okafor", "sm", "jo", "patel", "ahm", "mary w", "zz"];
const TIMES: usize = 10;

pub(super) async fn run(house: &House) -> Result<Vec<Measurement>> {
    let account = house.accounts(1).await?.remove(0);
    let mut connection = house.connection();
    let bodies = TERMS.map(|term| json!({"search_term": term, "limit": 10}).to_string());
    let request = |index: usize| Request {
        method: "POST",
        path: PATH,
        token: Some(&account.token),
        body: Some(bodies[index % TERMS.len()].as_bytes()),
    };
    match connection.ok(request(0)).await {
        Ok(_) => {}
        // A server without a directory has nothing to measure.
        Err(Error::Status { status: 404 | 405, .. }) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    }
    let meter = Meter::start(house);
    let mut samples = Samples::default();
    for index in 0..TERMS.len() * TIMES {
        let start = Instant::now();
        connection.ok(request(index)).await?;
        samples.since(start);
    }
    Ok(vec![meter.finish("search", samples.len(), samples)])
}
