//! From evidence to the kernel and back: what comes in about a source lists it, enough sources
//! list their network, each listing ends in its way, and nothing that was acknowledged is lost.

mod complaints;
mod ends;
mod replay;
mod restart;
mod rollup;
mod rspamd;
mod verdicts;
