//! Every route of the API, once, and what it asks of the [`Service`].

use std::{sync::Arc, time::Duration, time::Instant};

use axum::{
    Extension, Router,
    extract::{Path, Request, State},
    http::{Method, StatusCode, header::ORIGIN},
    middleware::{Next, from_fn},
    response::{IntoResponse as _, Response},
    routing::{self, MethodRouter},
};
use tracing::debug;

use super::{
    super::{
        Caller, Rights, Service, ServiceError,
        api::{
            Allow, AllowName, Block, BlockName, CheckQuery, ComplaintQuery, ComplaintsQuery,
            ConnectionsQuery, DecideRemoval, Disallow, EndName, EndOverride, ErrorKind, Evidence,
            Filter, HistoryQuery, Import, LatestQuery, Lookup, NameHistoryQuery, NameQuery,
            OverrideHistoryQuery, RemovalRequest, RemovalsQuery, ReplayQuery, RollUp, SetFlood,
            SetMode, SetOverride, TopQuery, Unblock, VerdictQuery, VerdictsQuery, route,
        },
        openapi,
        rights::may_count,
    },
    exchange::{
        Answer, Asked, BATCH, BodyTime, Described, Failure, Json, LARGE, Lines, MAIL, Metrics, Raw,
    },
};

type Handle<S> = State<Arc<S>>;
type By = Extension<Caller>;
/// What was granted to whoever asks, where that differs from one to the other.
type Granted = Option<Extension<Rights>>;

/// One route: the method, the path, and what answers.
pub(crate) type Route<S> = (Method, &'static str, MethodRouter<Arc<S>>);

/// Answers with what the service answers.
macro_rules! answer {
    ($call:expr) => {
        $call.await.map(Answer).map_err(Failure::from)
    };
}

/// `look!(status)`: a GET that the service's `status` answers; `look!(top, query: TopQuery =>
/// query.limit)`: and what of the query it is given.
macro_rules! look {
    ($method:ident) => {
        routing::get(|State(service): Handle<S>| async move { answer!(service.$method()) })
    };
    ($method:ident, $query:ident: $asked:ty => $($given:expr),+) => {
        routing::get(
            |State(service): Handle<S>, Asked($query): Asked<$asked>| async move {
                answer!(service.$method($($given),+))
            },
        )
    };
}

/// `change!(post, flush)`: the same for a change, which says who asked; `change!(post, block, body:
/// Json<Block> => body)`: and what of the body it is given.
macro_rules! change {
    ($by:ident, $method:ident) => {
        routing::$by(|State(service): Handle<S>, Extension(by): By| async move {
            answer!(service.$method(&by))
        })
    };
    ($by:ident, $method:ident, $body:ident: $json:ty => $given:expr) => {
        routing::$by(
            |State(service): Handle<S>, Extension(by): By, Json($body): $json| async move {
                answer!(service.$method($given, &by))
            },
        )
    };
}

/// Every route, those that only look first.
pub(crate) fn all<S: Service>() -> Vec<Route<S>> {
    let mut routes = looking();
    routes.extend(others_lists());
    routes.extend(counting());
    routes.extend(judging());
    routes.extend(changing());
    routes.extend(deciding());
    routes.extend(ruling());
    routes
}

/// The routes that change nothing.
fn looking<S: Service>() -> Vec<Route<S>> {
    let get = |path, handler: MethodRouter<Arc<S>>| (Method::GET, path, handler);
    vec![
        get(route::STATUS, look!(status)),
        get(
            route::CHECK,
            look!(check, query: CheckQuery => query.address.to_canonical()),
        ),
        get(route::LISTINGS, look!(list, filter: Filter => filter)),
        get(
            route::ALLOWED,
            routing::get(
                |State(service): Handle<S>, Asked(filter): Asked<Filter>| async move {
                    if filter.reason.is_some() {
                        return Err(ServiceError::BadRequest(
                            "the query: an allow entry has no reason".to_owned(),
                        )
                        .into());
                    }
                    answer!(service.allow_list(filter))
                },
            ),
        ),
        get(
            route::HISTORY,
            look!(history, query: HistoryQuery => query.network, query.limit),
        ),
        get(route::LATEST, look!(latest, query: LatestQuery => query)),
        get(route::MODE, look!(mode)),
        get(route::FLOOD, look!(flood)),
        get(route::FEEDS, look!(feeds)),
        get(
            route::EXPORT,
            routing::get(|State(service): Handle<S>| async move {
                service.export().await.map(Lines).map_err(Failure::from)
            }),
        ),
        get(
            route::EXPLAIN,
            look!(explain, query: CheckQuery => query.address),
        ),
        get(
            route::COMPLAINTS,
            look!(complaints, query: ComplaintsQuery => query),
        ),
        get(
            route::REMOVALS,
            look!(removals, query: RemovalsQuery => query),
        ),
    ]
}

/// Lets a verdict count, or not.
fn count(granted: Granted, counts: bool) -> Result<(), Failure> {
    if counts && !may_count(granted.map(|Extension(granted)| granted)) {
        let message = "`count` takes the right to write: expected a token with rights = \"write\", \
                       shown in a header or by the page itself";
        return Err(Failure::new(
            StatusCode::FORBIDDEN,
            ErrorKind::Denied,
            message,
        ));
    }
    Ok(())
}

/// The routes of the policy service.
fn judging<S: Service>() -> Vec<Route<S>> {
    let get = |path, handler: MethodRouter<Arc<S>>| (Method::GET, path, handler);
    vec![
        get(
            route::VERDICT,
            routing::get(
                |State(service): Handle<S>, granted: Granted, Asked(query): Asked<VerdictQuery>| async move {
                    count(granted, query.count)?;
                    answer!(service.verdict(query))
                },
            ),
        ),
        (
            Method::POST,
            route::VERDICT,
            routing::post(
                |State(service): Handle<S>,
                 granted: Granted,
                 Json(body): Json<VerdictsQuery, BATCH>| async move {
                    count(granted, body.requests.iter().any(|query| query.count))?;
                    answer!(service.verdicts_of(body))
                },
            ),
        ),
        get(route::POLICY, look!(policy)),
        (
            Method::POST,
            route::POLICY_REPLAY,
            routing::post(
                |State(service): Handle<S>, Json(body): Json<ReplayQuery, LARGE>| async move {
                    answer!(service.replay_policy(body))
                },
            ),
        ),
    ]
}

/// The routes that look at lists that others make in DNS.
fn others_lists<S: Service>() -> Vec<Route<S>> {
    let get = |path, handler: MethodRouter<Arc<S>>| (Method::GET, path, handler);
    vec![
        get(route::DNSBL, look!(dnsbl)),
        get(
            route::DNSBL_TEST,
            look!(test_dnsbl, query: CheckQuery => query.address),
        ),
    ]
}

/// The routes that tell what is counted.
fn counting<S: Service>() -> Vec<Route<S>> {
    let get = |path, handler: MethodRouter<Arc<S>>| (Method::GET, path, handler);
    vec![
        get(route::STATS, look!(stats)),
        get(route::SERIES, look!(series)),
        get(
            route::METRICS,
            routing::get(|State(service): Handle<S>| async move {
                service.metrics().await.map(Metrics).map_err(Failure::from)
            }),
        ),
        get(route::TOP, look!(top, query: TopQuery => query.limit)),
        get(
            route::CONNECTIONS,
            look!(connections, query: ConnectionsQuery => query),
        ),
    ]
}

/// The routes that change something: each says who asked.
fn changing<S: Service>() -> Vec<Route<S>> {
    let post = |path, handler: MethodRouter<Arc<S>>| (Method::POST, path, handler);
    vec![
        post(
            route::BLOCK,
            change!(post, block, body: Json<Block> => body),
        ),
        post(
            route::UNBLOCK,
            change!(post, unblock, body: Json<Unblock> => body),
        ),
        post(
            route::ALLOW,
            change!(post, allow, body: Json<Allow> => body),
        ),
        post(
            route::DISALLOW,
            change!(post, disallow, body: Json<Disallow> => body),
        ),
        post(
            route::IMPORT,
            change!(post, import, body: Json<Import, LARGE> => body),
        ),
        post(
            route::COMPLAINTS,
            routing::post(
                |State(service): Handle<S>,
                 Extension(by): By,
                 Asked(query): Asked<ComplaintQuery>,
                 Raw(mail): Raw<MAIL>| async move {
                    answer!(service.complaint(mail, query, &by))
                },
            ),
        ),
        post(route::VERDICTS, verdicts()),
        (
            Method::PUT,
            route::MODE,
            change!(put, set_mode, body: Json<SetMode> => body.mode),
        ),
        (
            Method::PUT,
            route::FLOOD,
            change!(put, set_flood, body: Json<SetFlood> => body.mode),
        ),
        post(
            route::FEED_RELOAD,
            routing::post(
                |State(service): Handle<S>, Extension(by): By, Path(name): Path<String>| async move {
                    answer!(service.reload_feed(&name, &by))
                },
            ),
        ),
        post(route::RELOAD, change!(post, reload)),
        post(route::DETACH, change!(post, detach)),
        post(route::FLUSH, change!(post, flush)),
    ]
}

/// The routes of the postmaster's desk: each says who asked.
fn deciding<S: Service>() -> Vec<Route<S>> {
    let post = |path, handler: MethodRouter<Arc<S>>| (Method::POST, path, handler);
    vec![
        post(
            route::EVIDENCE,
            change!(post, take_evidence, body: Json<Evidence, LARGE> => body),
        ),
        post(
            route::LOOKUP,
            change!(post, lookup, body: Json<Lookup> => body.address),
        ),
        post(
            route::ROLLUP,
            change!(post, roll_up, body: Json<RollUp> => body),
        ),
        post(
            route::REMOVALS,
            change!(post, request_removal, body: Json<RemovalRequest> => body),
        ),
        post(
            route::DECIDE_REMOVAL,
            change!(post, decide_removal, body: Json<DecideRemoval> => body),
        ),
    ]
}

/// The routes of what operators say beside the book, of names and of DNSBLs.
fn ruling<S: Service>() -> Vec<Route<S>> {
    vec![
        (Method::GET, route::NAMES, look!(names)),
        (
            Method::GET,
            route::CHECK_NAME,
            look!(check_name, query: NameQuery => query.name),
        ),
        (
            Method::GET,
            route::NAME_HISTORY,
            look!(name_history, query: NameHistoryQuery => query),
        ),
        (Method::GET, route::OVERRIDES, look!(overrides)),
        (
            Method::GET,
            route::OVERRIDE_HISTORY,
            look!(override_history, query: OverrideHistoryQuery => query),
        ),
        (
            Method::POST,
            route::BLOCK_NAME,
            change!(post, block_name, body: Json<BlockName> => body),
        ),
        (
            Method::POST,
            route::ALLOW_NAME,
            change!(post, allow_name, body: Json<AllowName> => body),
        ),
        (
            Method::POST,
            route::UNBLOCK_NAME,
            change!(post, unblock_name, body: Json<EndName> => body),
        ),
        (
            Method::POST,
            route::DISALLOW_NAME,
            change!(post, disallow_name, body: Json<EndName> => body),
        ),
        (
            Method::POST,
            route::OVERRIDES,
            change!(post, set_override, body: Json<SetOverride> => body),
        ),
        (
            Method::POST,
            route::END_OVERRIDE,
            change!(post, end_override, body: Json<EndOverride> => body),
        ),
    ]
}

fn verdicts<S: Service>() -> MethodRouter<Arc<S>> {
    routing::post(
        |State(service): Handle<S>, by: Option<By>, Raw(lines): Raw<BATCH>| async move {
            let by = by.map(|Extension(by)| by);
            answer!(service.verdicts(lines, by.as_ref()))
        },
    )
}

/// The one route for those who are not asked who they are: verdicts. What a browser sends for a
/// page from elsewhere has the header `Origin`; no filter has it.
pub(super) fn open_router<S: Service>(service: Arc<S>, body_time: Duration) -> Router {
    Router::new()
        .route(route::VERDICTS, verdicts())
        .layer(from_fn(async |request: Request, next: Next| {
            if request.headers().contains_key(ORIGIN) {
                return Failure::new(
                    StatusCode::FORBIDDEN,
                    ErrorKind::BadRequest,
                    "verdicts are not taken from browsers",
                )
                .into_response();
            }
            next.run(request).await
        }))
        .layer(Extension(BodyTime(body_time)))
        .with_state(service)
}

/// All routes on `service`; a body must come within `body_time`. Requests have the extension
/// [`Caller`].
pub(crate) fn router<S: Service>(service: Arc<S>, body_time: Duration) -> Router {
    all()
        .into_iter()
        .fold(Router::new(), |router, (_, path, handler)| {
            router.route(path, handler)
        })
        .route(
            route::OPENAPI,
            routing::get(async || Described(&openapi::DOCUMENT)),
        )
        .fallback(async |request: Request| {
            let message = format!("no such path: {}", request.uri().path());
            Failure::new(StatusCode::NOT_FOUND, ErrorKind::NotFound, message)
        })
        .method_not_allowed_fallback(async |request: Request| {
            let message = format!(
                "{} does not take {}",
                request.uri().path(),
                request.method()
            );
            Failure::new(
                StatusCode::METHOD_NOT_ALLOWED,
                ErrorKind::BadRequest,
                message,
            )
        })
        .layer(from_fn(logged))
        .layer(Extension(BodyTime(body_time)))
        .with_state(service)
}

/// Logs each request and its answer.
async fn logged(Extension(by): By, request: Request, next: Next) -> Response {
    let start = Instant::now();
    let method = request.method().clone();
    let uri = request.uri().clone();
    let response = next.run(request).await;
    debug!(
        %by,
        %method,
        %uri,
        status = response.status().as_u16(),
        ms = start.elapsed().as_millis(),
        "control request"
    );
    response
}
