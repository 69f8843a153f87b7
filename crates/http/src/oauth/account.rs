//! `GET|POST /account`: the account page and its actions.
//! Specification: Client-Server API, "Account management" of the OAuth 2.0 API.

use axum::{
    Router,
    extract::{OriginalUri, State},
    response::Response,
    routing::get,
};
use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use wardline_domain::Timestamp;
use wardline_identity::{DISPLAY_NAME, IdentityError, oauth::Visitor};
use wardline_store::sessions::Device;

use super::{
    CROSS_SIGNING_RESET,
    browser::{Browser, Posted, go},
    html::{Html, Page, PageError},
    security::{self, SECURITY},
    sign_in::{sign_in_again, sign_in_page, signed_in_as, wrong_again},
};
use crate::{AppState, Query};

pub(super) const PATH: &str = "/account";
const PROFILE: &str = "org.matrix.profile";
pub(crate) const DEVICES: &str = "org.matrix.devices_list";
const DEVICE: &str = "org.matrix.device_view";
const DEVICE_DELETE: &str = "org.matrix.device_delete";
const SIGN_OUT_ALL: &str = "org.wardline.sign_out_all";
pub(crate) const DEACTIVATE: &str = "org.matrix.account_deactivate";
/// The actions as the metadata names them.
pub(super) const ACTIONS: [&str; 6] =
    [PROFILE, DEVICES, DEVICE, DEVICE_DELETE, DEACTIVATE, CROSS_SIGNING_RESET];

pub(super) fn routes() -> Router<AppState> {
    Router::new().route(PATH, get(show).post(act))
}

/// The action of a link; names that the proposals used before are understood too, and others mean the profile.
fn action_of(name: &str) -> &'static str {
    match name {
        DEVICES | "org.matrix.sessions_list" | "sessions_list" => DEVICES,
        DEVICE | "org.matrix.session_view" | "session_view" => DEVICE,
        DEVICE_DELETE | "org.matrix.session_end" | "session_end" => DEVICE_DELETE,
        DEACTIVATE => DEACTIVATE,
        CROSS_SIGNING_RESET => CROSS_SIGNING_RESET,
        SECURITY => SECURITY,
        SIGN_OUT_ALL => SIGN_OUT_ALL,
        _ => PROFILE,
    }
}

#[derive(Deserialize)]
struct AccountQuery {
    action: Option<String>,
    device_id: Option<String>,
    next: Option<String>,
}

async fn show(
    State(state): State<AppState>,
    browser: Browser,
    OriginalUri(uri): OriginalUri,
    Query(query): Query<AccountQuery>,
) -> Result<Response, PageError> {
    let next = uri.path_and_query().map_or(PATH, http::uri::PathAndQuery::as_str);
    let Some(visitor) = &browser.visitor else { return Ok(sign_in_page(&state, &browser, next)) };
    let action = action_of(query.action.as_deref().unwrap_or_default());
    if action == SECURITY || state.identity.lacks_second_factor(visitor)? {
        return security::page(&state, &browser, visitor, query.next.as_deref().unwrap_or_default(), Ok(""));
    }
    page(&state, &browser, visitor, action, query.device_id.as_deref(), None)
}

/// The page of an action, with what went wrong with it.
fn page(
    state: &AppState,
    browser: &Browser,
    visitor: &Visitor,
    action: &'static str,
    device_id: Option<&str>,
    wrong: Option<&str>,
) -> Result<Response, PageError> {
    let device = |id: Option<&str>| -> Result<Option<Device>, PageError> {
        Ok(state.identity.devices_of(visitor)?.into_iter().find(|d| Some(&*d.device_id) == id))
    };
    let form = |action: &str| {
        Html::default()
            .raw("<form method=\"post\" action=\"/account\">")
            .add(browser.csrf())
            .hidden("action", action)
    };
    let alert = wrong.map_or_else(Html::default, |text| Html::default().alert(text));
    let asked = must_ask(state, visitor)?;
    let (title, body) = match (action, device(device_id)?) {
        (DEVICES, _) => ("Your devices", device_list(state, visitor)?.add(sign_out_all(&form, asked))),
        (DEVICE, Some(device)) => ("Device", device_page(state, visitor, &device, &form)?),
        (DEVICE_DELETE, Some(device)) => ("Sign this device out?", delete_page(&device, &form)),
        (DEVICE | DEVICE_DELETE, None) => {
            let text = "<p>There is no such device any more; it is signed out.</p>";
            ("Your devices", Html::default().raw(text).add(device_list(state, visitor)?))
        }
        (CROSS_SIGNING_RESET, _) => ("Reset your digital identity?", reset_page(&form, asked)),
        (DEACTIVATE, _) => ("Close your account?", deactivate_page(&form, asked)),
        _ => ("Your profile", profile_page(state, visitor, &form)?),
    };
    let body = alert.add(body).add(navigation(action)).add(signed_in_as(browser, PATH));
    let status = if wrong.is_some() { StatusCode::FORBIDDEN } else { StatusCode::OK };
    Ok(browser.show(Page { status, ..Page::new(title, body) }))
}

/// The ways to the other actions.
pub(super) fn navigation(current: &str) -> Html {
    let links = [
        (PROFILE, "Profile"),
        (SECURITY, "How you sign in"),
        (DEVICES, "Devices"),
        (CROSS_SIGNING_RESET, "Reset identity"),
        (DEACTIVATE, "Close account"),
    ];
    let start = Html::default().raw("<nav class=\"foot\" aria-label=\"Account\"><ul>");
    let list = links.into_iter().fold(start, |html, (action, label)| {
        let here = if action == current { " aria-current=\"page\"" } else { "" };
        html.raw(&format!("<li><a href=\"{PATH}?action={action}\"{here}>{label}</a></li>"))
    });
    list.raw("</ul></nav>")
}

fn profile_page(
    state: &AppState,
    visitor: &Visitor,
    form: &impl Fn(&str) -> Html,
) -> Result<Html, PageError> {
    let name = match state.identity.profile_field(&visitor.user_id, DISPLAY_NAME) {
        Ok(json) => serde_json::from_str(&json).unwrap_or_default(),
        Err(IdentityError::NotFound(_)) => String::new(),
        Err(error) => return Err(error.into()),
    };
    Ok(form(PROFILE)
        .field("displayname", "The name that others see", &name, "maxlength=\"256\" autocomplete=\"name\"")
        .button("main", "go", "1", "Save")
        .raw("</form>"))
}

fn named(device: &Device) -> &str {
    device.display_name.as_deref().filter(|name| !name.is_empty()).unwrap_or(&device.device_id)
}

/// When a device was last used, in words that need no time zone.
fn last_seen(device: &Device, now: Timestamp) -> String {
    match now.millis_since(device.last_seen_at) / 60_000 {
        ..=20 => "in use now".to_owned(),
        minutes @ 21..=119 => format!("last used {minutes} minutes ago"),
        minutes @ 120..=2879 => format!("last used {} hours ago", minutes / 60),
        minutes => format!("last used {} days ago", minutes / 1440),
    }
}

fn device_list(state: &AppState, visitor: &Visitor) -> Result<Html, PageError> {
    let now = state.clock.now();
    let devices = state.identity.devices_of(visitor)?;
    let list = devices.iter().fold(Html::default().raw("<ul class=\"devices\">"), |html, device| {
        html.raw("<li><a href=\"")
            .text(&device_url(DEVICE, &device.device_id))
            .raw("\">")
            .text(named(device))
            .raw("</a><br><span class=\"quiet\">")
            .say(&last_seen(device, now))
            .raw("</span></li>")
    });
    Ok(list.raw("</ul>").add(erasures(state, visitor)?))
}

/// Devices that were signed out from elsewhere, and whether they have erased what they held.
fn erasures(state: &AppState, visitor: &Visitor) -> Result<Html, PageError> {
    let erasures = state.identity.erasures_of(visitor)?;
    if erasures.is_empty() {
        return Ok(Html::default());
    }
    let now = state.clock.now();
    let start = Html::default().raw("<h2>Signed out from elsewhere</h2><ul class=\"devices\">");
    let list = erasures.iter().fold(start, |html, erasure| {
        let name = erasure.display_name.as_deref().filter(|name| !name.is_empty());
        let state = match erasure.confirmed_at {
            Some(at) => format!("has erased what it held, {} ago", ago(at, now)),
            None => "has not come back yet to erase what it holds".to_owned(),
        };
        html.raw("<li>")
            .text(name.unwrap_or(&erasure.device_id))
            .raw("<br><span class=\"quiet\">")
            .say(&state)
            .raw("</span></li>")
    });
    Ok(list.raw("</ul>"))
}

/// How long ago, in words that need no time zone.
fn ago(at: Timestamp, now: Timestamp) -> String {
    match now.millis_since(at) / 60_000 {
        ..=1 => "a minute".to_owned(),
        minutes @ 2..=119 => format!("{minutes} minutes"),
        minutes @ 120..=2879 => format!("{} hours", minutes / 60),
        minutes => format!("{} days", minutes / 1440),
    }
}

fn sign_out_all(form: &impl Fn(&str) -> Html, asked: bool) -> Html {
    password_field(form(SIGN_OUT_ALL), asked)
        .button("danger", "go", "1", "Sign all devices out")
        .raw("</form>")
}

fn device_url(action: &str, device_id: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    format!("{PATH}?{}", query.append_pair("action", action).append_pair("device_id", device_id).finish())
}

fn device_page(
    state: &AppState,
    visitor: &Visitor,
    device: &Device,
    form: &impl Fn(&str) -> Html,
) -> Result<Html, PageError> {
    let client = state.identity.client_on(visitor, &device.device_id)?;
    let client = client.map_or("an application with your password".to_owned(), |client| {
        client.client_name.map_or(client.client_uri.clone(), |name| format!("{name} ({})", client.client_uri))
    });
    Ok(Html::default()
        .raw("<p>")
        .text(named(device))
        .raw("</p>")
        .element("p class=\"quiet\"", &format!("Device id: {}", device.device_id))
        .element("p class=\"quiet\"", &format!("Signed in by: {client}"))
        .element("p class=\"quiet\"", &last_seen(device, state.clock.now()))
        .element(
            "p class=\"quiet\"",
            &device.last_seen_ip.as_ref().map(|ip| format!("Network address: {ip}")).unwrap_or_default(),
        )
        .add(delete_form(device, form)))
}

fn delete_form(device: &Device, form: &impl Fn(&str) -> Html) -> Html {
    form(DEVICE_DELETE)
        .hidden("device_id", &device.device_id)
        .button("danger", "go", "1", "Sign this device out")
        .raw("</form>")
}

fn delete_page(device: &Device, form: &impl Fn(&str) -> Html) -> Html {
    Html::default()
        .raw("<p><strong>")
        .text(named(device))
        .raw("</strong> will no longer receive messages, and erases what it holds as soon as it is reached.</p>")
        .add(delete_form(device, form))
}

/// Asks for the password again; who has shown a second factor in this visit has done enough.
fn password_field(html: Html, asked: bool) -> Html {
    if !asked {
        return html;
    }
    html.field(
        "password",
        "Your password",
        "",
        "type=\"password\" autocomplete=\"current-password\" required",
    )
}

fn reset_page(form: &impl Fn(&str) -> Html, asked: bool) -> Html {
    let html = Html::default()
        .raw(
            "<p>Do this only if an application of yours has just asked for it, and you have lost your other \
             devices and your recovery key. People you have verified will have to verify you again.</p>\
             <p class=\"note\">If you did not start this, go no further: somebody may be trying to read your \
             messages.</p>",
        )
        .add(form(CROSS_SIGNING_RESET));
    password_field(html, asked).button("danger", "go", "1", "Allow the reset").raw("</form>")
}

fn deactivate_page(form: &impl Fn(&str) -> Html, asked: bool) -> Html {
    let html = Html::default()
        .raw(
            "<p>All your devices are signed out, you leave all conversations, and nobody can use your user name \
             again. <strong>This cannot be undone.</strong></p>",
        )
        .add(form(DEACTIVATE));
    password_field(html, asked)
        .raw(
            "<label class=\"check\"><input type=\"checkbox\" name=\"sure\" value=\"yes\" required> Yes, close \
             my account for good</label>",
        )
        .button("danger", "go", "1", "Close my account")
        .raw("</form>")
}

/// Whether a grave action asks for the password: of who has one and has not shown a second factor in this short visit.
fn must_ask(state: &AppState, visitor: &Visitor) -> Result<bool, PageError> {
    Ok(!visitor.is_strong() && state.identity.factors(visitor)?.password)
}

async fn act(State(state): State<AppState>, form: Posted) -> Result<Response, PageError> {
    let Some(visitor) = &form.browser.visitor else { return Ok(sign_in_page(&state, &form.browser, PATH)) };
    let action = action_of(form.field("action"));
    let grave = [CROSS_SIGNING_RESET, DEACTIVATE, SIGN_OUT_ALL].contains(&action);
    let shown = if action == SIGN_OUT_ALL { DEVICES } else { action };
    if grave && !visitor.is_strong() {
        let factors = state.identity.factors(visitor)?;
        // Who has only a provider's sign-in shows it anew.
        let nothing = !factors.password && !state.identity.proved_recently(visitor);
        if factors.has_second() || nothing {
            return Ok(sign_in_again(&state, &form.browser, &format!("{PATH}?action={shown}")));
        }
    }
    if grave && must_ask(&state, visitor)? {
        let user = visitor.user_id.as_str();
        if let Some(wrong) = wrong_again(&state, user, (form.field("password"), form.address)).await? {
            return page(&state, &form.browser, visitor, shown, None, Some(wrong));
        }
    }
    let done = match action {
        DEVICE_DELETE => {
            state.identity.end_session_on(visitor, form.field("device_id").to_owned()).await?;
            return go(&state, &format!("{PATH}?action={DEVICES}"), None);
        }
        SIGN_OUT_ALL => {
            state.identity.end_all_sessions(visitor).await?;
            return go(&state, &format!("{PATH}?action={DEVICES}"), None);
        }
        CROSS_SIGNING_RESET => {
            state.identity.allow_cross_signing_reset(visitor).await?;
            "You can go back to your application now. It has ten minutes to finish the reset."
        }
        DEACTIVATE if form.field("sure") == "yes" => {
            state.identity.deactivate_visitor(visitor).await?;
            "Your account is closed."
        }
        DEACTIVATE => {
            let wrong = Some("Tick the box if you are sure.");
            return page(&state, &form.browser, visitor, action, None, wrong);
        }
        PROFILE => {
            let name = form.field("displayname").trim();
            let value = (!name.is_empty()).then(|| Value::from(name));
            state.identity.set_profile_field(&visitor.user_id, DISPLAY_NAME, value.as_ref()).await?;
            return go(&state, &format!("{PATH}?action={PROFILE}"), None);
        }
        _ => return go(&state, PATH, None),
    };
    Ok(form.browser.show(Page::new("Done", Html::default().element("p role=\"status\"", done))))
}
