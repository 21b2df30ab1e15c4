//! One metric: what it is called, what it means, and how it is read.

use std::{fmt, time::Duration};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet},
    metrics::MetricType,
};

use super::{Reading, TABLES};
use crate::latency::Latency;

/// A metric.
pub(super) struct Metric {
    /// Its name; the name of a counter that is shown ends with `_total` besides.
    name: &'static str,
    pub(super) help: &'static str,
    /// The names of its labels.
    pub(super) labels: &'static [&'static str],
    read: Read,
}

/// How it is read.
enum Read {
    Counter(fn(&Reading) -> Vec<Sample>),
    Gauge(fn(&Reading) -> Vec<Sample>),
    Histogram(fn(&Reading) -> &Latency),
}

/// A value of a metric.
pub(super) struct Sample {
    /// The values of its labels, in their order. An empty one is none.
    pub(super) labels: Vec<String>,
    pub(super) value: u64,
}

/// A value that has these labels.
pub(super) fn sample<const N: usize>(labels: [&str; N], value: u64) -> Sample {
    Sample {
        labels: labels.map(str::to_owned).to_vec(),
        value,
    }
}

/// The value of a metric without labels.
pub(super) fn alone(value: u64) -> Vec<Sample> {
    vec![sample([], value)]
}

/// The value of a metric without labels, if there is one.
pub(super) fn at_most(value: Option<u64>) -> Vec<Sample> {
    value.into_iter().flat_map(alone).collect()
}

const fn metric(
    name: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
    read: Read,
) -> Metric {
    Metric {
        name,
        help,
        labels,
        read,
    }
}

/// Something that only grows.
pub(super) const fn counter(
    name: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
    read: fn(&Reading) -> Vec<Sample>,
) -> Metric {
    metric(name, labels, help, Read::Counter(read))
}

/// Something that goes up and down.
pub(super) const fn gauge(
    name: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
    read: fn(&Reading) -> Vec<Sample>,
) -> Metric {
    metric(name, labels, help, Read::Gauge(read))
}

/// How long something took, in seconds.
pub(super) const fn histogram(
    name: &'static str,
    help: &'static str,
    read: fn(&Reading) -> &Latency,
) -> Metric {
    metric(name, &[], help, Read::Histogram(read))
}

impl Metric {
    fn encode(&self, encoder: &mut DescriptorEncoder<'_>, reading: &Reading) -> fmt::Result {
        let mut metric = encoder.encode_descriptor(self.name, self.help, None, self.kind())?;
        match self.read {
            Read::Counter(read) => self.each(&mut metric, read(reading), |one, value| {
                one.encode_counter::<NoLabelSet, u64, u64>(&value, None)
            }),
            Read::Gauge(read) => self.each(&mut metric, read(reading), |one, value| {
                one.encode_gauge(&value)
            }),
            Read::Histogram(read) => {
                let took = read(reading);
                let bounds = Latency::BOUNDS.iter().map(Duration::as_secs_f64);
                let buckets: Vec<_> = bounds.zip(took.buckets).collect();
                let (sum, count) = (took.sum.as_secs_f64(), took.count());
                metric.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
            }
        }
    }

    fn each(
        &self,
        metric: &mut MetricEncoder<'_>,
        samples: Vec<Sample>,
        encode: impl Fn(&mut MetricEncoder<'_>, u64) -> fmt::Result,
    ) -> fmt::Result {
        for Sample { labels, value } in samples {
            let labels = self.labels.iter().copied().zip(labels);
            let labels: Vec<_> = labels.filter(|(_, value)| !value.is_empty()).collect();
            encode(&mut metric.encode_family(&labels)?, value)?;
        }
        Ok(())
    }

    /// What Prometheus calls its type.
    pub(super) fn kind(&self) -> MetricType {
        match self.read {
            Read::Counter(_) => MetricType::Counter,
            Read::Gauge(_) => MetricType::Gauge,
            Read::Histogram(_) => MetricType::Histogram,
        }
    }
}

impl Collector for Reading {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut all = TABLES.iter().flat_map(|(_, metrics)| *metrics);
        all.try_for_each(|metric| metric.encode(&mut encoder, self))
    }
}

#[cfg(test)]
impl Metric {
    /// The name that is shown.
    pub(super) fn shown(&self) -> String {
        match self.read {
            Read::Counter(_) => format!("{}_total", self.name),
            Read::Gauge(_) | Read::Histogram(_) => self.name.to_owned(),
        }
    }

    /// The values but for those of a histogram.
    pub(super) fn samples(&self, reading: &Reading) -> Vec<Sample> {
        match self.read {
            Read::Counter(read) | Read::Gauge(read) => read(reading),
            Read::Histogram(_) => Vec::new(),
        }
    }
}
