//! What the tests that need a kernel stand on. They need root and the real kernel, and fail where
//! that is missing.

pub mod browser;
pub mod churn;
pub mod demo;
pub mod dns;
pub mod evidence;
pub mod feed_server;
pub mod lab;
pub mod machine;
pub mod mail_servers;
pub mod mails;
pub mod packet;
pub mod policy;
pub mod senders;
pub mod snmp;
pub mod stack;
pub mod table;
pub mod terminal;
pub mod typed;
pub mod xdp;
