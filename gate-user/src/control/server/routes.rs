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
        Caller, Service, ServiceError,
        api::{
            Allow, AllowName, Block, BlockName, CheckQuery, ComplaintQuery, ComplaintsQuery,
            ConnectionsQuery, DecideRemoval, Disallow, EndName, EndOverride, ErrorKind, Evidence,
            Filter, HistoryQuery, Import, Lookup, NameHistoryQuery, NameQuery,
            OverrideHistoryQuery, RemovalRequest, RemovalsQuery, RollUp, SetFlood, SetMode,
            SetOverride, TopQuery, Unblock, VerdictQuery, VerdictsQuery, route,
        },
    },
    exchange::{Answer, Asked, BATCH, BodyTime, Failure, Json, LARGE, Lines, MAIL, Raw},
};

type Handle<S> = State<Arc<S>>;
type By = Extension<Caller>;

/// One route: the method, the path, and what answers.
pub(super) type Route<S> = (Method, &'static str, MethodRouter<Arc<S>>);

/// Answers with what the service answers.
macro_rules! answer {
    ($call:expr) => {
        $call.await.map(Answer).map_err(Failure::from)
    };
}

/// Every route, those that only look first.
pub(super) fn all<S: Service>() -> Vec<Route<S>> {
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
        get(
            route::STATUS,
            routing::get(|State(service): Handle<S>| async move { answer!(service.status()) }),
        ),
        get(
            route::CHECK,
            routing::get(
                |State(service): Handle<S>, Asked(query): Asked<CheckQuery>| async move {
                    answer!(service.check(query.address.to_canonical()))
                },
            ),
        ),
        get(
            route::LISTINGS,
            routing::get(
                |State(service): Handle<S>, Asked(filter): Asked<Filter>| async move {
                    answer!(service.list(filter))
                },
            ),
        ),
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
            routing::get(
                |State(service): Handle<S>, Asked(query): Asked<HistoryQuery>| async move {
                    answer!(service.history(query.network, query.limit))
                },
            ),
        ),
        get(
            route::MODE,
            routing::get(|State(service): Handle<S>| async move { answer!(service.mode()) }),
        ),
        get(
            route::FLOOD,
            routing::get(|State(service): Handle<S>| async move { answer!(service.flood()) }),
        ),
        get(
            route::FEEDS,
            routing::get(|State(service): Handle<S>| async move { answer!(service.feeds()) }),
        ),
        get(
            route::EXPORT,
            routing::get(|State(service): Handle<S>| async move {
                service.export().await.map(Lines).map_err(Failure::from)
            }),
        ),
        get(
            route::EXPLAIN,
            routing::get(
                |State(service): Handle<S>, Asked(query): Asked<CheckQuery>| async move {
                    answer!(service.explain(query.address))
                },
            ),
        ),
        get(
            route::COMPLAINTS,
            routing::get(
                |State(service): Handle<S>, Asked(query): Asked<ComplaintsQuery>| async move {
                    answer!(service.complaints(query))
                },
            ),
        ),
        get(
            route::REMOVALS,
            routing::get(
                |State(service): Handle<S>, Asked(query): Asked<RemovalsQuery>| async move {
                    answer!(service.removals(query))
                },
            ),
        ),
    ]
}

/// The routes of the policy service.
fn judging<S: Service>() -> Vec<Route<S>> {
    let get = |path, handler: MethodRouter<Arc<S>>| (Method::GET, path, handler);
    vec![
        get(
            route::VERDICT,
            routing::get(
                |State(service): Handle<S>, Asked(query): Asked<VerdictQuery>| async move {
                    answer!(service.verdict(query))
                },
            ),
        ),
        (
            Method::POST,
            route::VERDICT,
            routing::post(
                |State(service): Handle<S>, Json(body): Json<VerdictsQuery, BATCH>| async move {
                    answer!(service.verdicts_of(body))
                },
            ),
        ),
        get(
            route::POLICY,
            routing::get(|State(service): Handle<S>| async move { answer!(service.policy()) }),
        ),
    ]
}

/// The routes that look at lists that others make in DNS.
fn others_lists<S: Service>() -> Vec<Route<S>> {
    let get = |path, handler: MethodRouter<Arc<S>>| (Method::GET, path, handler);
    vec![
        get(
            route::DNSBL,
            routing::get(|State(service): Handle<S>| async move { answer!(service.dnsbl()) }),
        ),
        get(
            route::DNSBL_TEST,
            routing::get(
                |State(service): Handle<S>, Asked(query): Asked<CheckQuery>| async move {
                    answer!(service.test_dnsbl(query.address))
                },
            ),
        ),
    ]
}

/// The routes that tell what is counted.
fn counting<S: Service>() -> Vec<Route<S>> {
    let get = |path, handler: MethodRouter<Arc<S>>| (Method::GET, path, handler);
    vec![
        get(
            route::STATS,
            routing::get(|State(service): Handle<S>| async move { answer!(service.stats()) }),
        ),
        get(
            route::TOP,
            routing::get(
                |State(service): Handle<S>, Asked(query): Asked<TopQuery>| async move {
                    answer!(service.top(query.limit))
                },
            ),
        ),
        get(
            route::CONNECTIONS,
            routing::get(
                |State(service): Handle<S>, Asked(query): Asked<ConnectionsQuery>| async move {
                    answer!(service.connections(query))
                },
            ),
        ),
    ]
}

/// The routes that change something: each says who asked.
fn changing<S: Service>() -> Vec<Route<S>> {
    let post = |path, handler: MethodRouter<Arc<S>>| (Method::POST, path, handler);
    vec![
        post(
            route::BLOCK,
            routing::post(
                |State(service): Handle<S>, Extension(by): By, Json(body): Json<Block>| async move {
                    answer!(service.block(body, &by))
                },
            ),
        ),
        post(
            route::UNBLOCK,
            routing::post(
                |State(service): Handle<S>, Extension(by): By, Json(body): Json<Unblock>| async move {
                    answer!(service.unblock(body, &by))
                },
            ),
        ),
        post(
            route::ALLOW,
            routing::post(
                |State(service): Handle<S>, Extension(by): By, Json(body): Json<Allow>| async move {
                    answer!(service.allow(body, &by))
                },
            ),
        ),
        post(
            route::DISALLOW,
            routing::post(
                |State(service): Handle<S>, Extension(by): By, Json(body): Json<Disallow>| async move {
                    answer!(service.disallow(body, &by))
                },
            ),
        ),
        post(
            route::IMPORT,
            routing::post(
                |State(service): Handle<S>, Extension(by): By, Json(body): Json<Import, LARGE>| async move {
                    answer!(service.import(body, &by))
                },
            ),
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
            routing::put(
                |State(service): Handle<S>, Extension(by): By, Json(body): Json<SetMode>| async move {
                    answer!(service.set_mode(body.mode, &by))
                },
            ),
        ),
        (
            Method::PUT,
            route::FLOOD,
            routing::put(
                |State(service): Handle<S>, Extension(by): By, Json(body): Json<SetFlood>| async move {
                    answer!(service.set_flood(body.mode, &by))
                },
            ),
        ),
        post(
            route::FEED_RELOAD,
            routing::post(
                |State(service): Handle<S>, Extension(by): By, Path(name): Path<String>| async move {
                    answer!(service.reload_feed(&name, &by))
                },
            ),
        ),
        post(
            route::RELOAD,
            routing::post(|State(service): Handle<S>, Extension(by): By| async move {
                answer!(service.reload(&by))
            }),
        ),
        post(
            route::DETACH,
            routing::post(|State(service): Handle<S>, Extension(by): By| async move {
                answer!(service.detach(&by))
            }),
        ),
        post(
            route::FLUSH,
            routing::post(|State(service): Handle<S>, Extension(by): By| async move {
                answer!(service.flush(&by))
            }),
        ),
    ]
}

/// The routes of the postmaster's desk: each says who asked.
fn deciding<S: Service>() -> Vec<Route<S>> {
    let post = |path, handler: MethodRouter<Arc<S>>| (Method::POST, path, handler);
    vec![
        post(
            route::EVIDENCE,
            routing::post(
                |State(service): Handle<S>,
                 Extension(by): By,
                 Json(body): Json<Evidence, LARGE>| async move {
                    answer!(service.take_evidence(body, &by))
                },
            ),
        ),
        post(
            route::LOOKUP,
            routing::post(
                |State(service): Handle<S>, Extension(by): By, Json(body): Json<Lookup>| async move {
                    answer!(service.lookup(body.address, &by))
                },
            ),
        ),
        post(
            route::ROLLUP,
            routing::post(
                |State(service): Handle<S>, Extension(by): By, Json(body): Json<RollUp>| async move {
                    answer!(service.roll_up(body, &by))
                },
            ),
        ),
        post(
            route::REMOVALS,
            routing::post(
                |State(service): Handle<S>, Extension(by): By, Json(body): Json<RemovalRequest>| async move {
                    answer!(service.request_removal(body, &by))
                },
            ),
        ),
        post(
            route::DECIDE_REMOVAL,
            routing::post(
                |State(service): Handle<S>, Extension(by): By, Json(body): Json<DecideRemoval>| async move {
                    answer!(service.decide_removal(body, &by))
                },
            ),
        ),
    ]
}

/// The routes of what operators say beside the book, of names and of DNSBLs.
fn ruling<S: Service>() -> Vec<Route<S>> {
    vec![
        (
            Method::GET,
            route::NAMES,
            routing::get(|State(service): Handle<S>| async move { answer!(service.names()) }),
        ),
        (
            Method::GET,
            route::CHECK_NAME,
            routing::get(
                |State(service): Handle<S>, Asked(query): Asked<NameQuery>| async move {
                    answer!(service.check_name(query.name))
                },
            ),
        ),
        (
            Method::GET,
            route::NAME_HISTORY,
            routing::get(
                |State(service): Handle<S>, Asked(query): Asked<NameHistoryQuery>| async move {
                    answer!(service.name_history(query))
                },
            ),
        ),
        (
            Method::GET,
            route::OVERRIDES,
            routing::get(|State(service): Handle<S>| async move { answer!(service.overrides()) }),
        ),
        (
            Method::GET,
            route::OVERRIDE_HISTORY,
            routing::get(
                |State(service): Handle<S>, Asked(query): Asked<OverrideHistoryQuery>| async move {
                    answer!(service.override_history(query))
                },
            ),
        ),
        (
            Method::POST,
            route::BLOCK_NAME,
            routing::post(
                |State(service): Handle<S>, Extension(by): By, Json(body): Json<BlockName>| async move {
                    answer!(service.block_name(body, &by))
                },
            ),
        ),
        (
            Method::POST,
            route::ALLOW_NAME,
            routing::post(
                |State(service): Handle<S>, Extension(by): By, Json(body): Json<AllowName>| async move {
                    answer!(service.allow_name(body, &by))
                },
            ),
        ),
        (
            Method::POST,
            route::UNBLOCK_NAME,
            routing::post(
                |State(service): Handle<S>, Extension(by): By, Json(body): Json<EndName>| async move {
                    answer!(service.unblock_name(body, &by))
                },
            ),
        ),
        (
            Method::POST,
            route::DISALLOW_NAME,
            routing::post(
                |State(service): Handle<S>, Extension(by): By, Json(body): Json<EndName>| async move {
                    answer!(service.disallow_name(body, &by))
                },
            ),
        ),
        (
            Method::POST,
            route::OVERRIDES,
            routing::post(
                |State(service): Handle<S>, Extension(by): By, Json(body): Json<SetOverride>| async move {
                    answer!(service.set_override(body, &by))
                },
            ),
        ),
        (
            Method::POST,
            route::END_OVERRIDE,
            routing::post(
                |State(service): Handle<S>, Extension(by): By, Json(body): Json<EndOverride>| async move {
                    answer!(service.end_override(body, &by))
                },
            ),
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

/// All routes on `service`; a body must come within `body_time`.
pub(super) fn router<S: Service>(service: Arc<S>, body_time: Duration) -> Router {
    all()
        .into_iter()
        .fold(Router::new(), |router, (_, path, handler)| {
            router.route(path, handler)
        })
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
