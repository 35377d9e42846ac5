//! What is measured: tasks of queries under configurations, simulated or from a table of measured times.

use crate::classic::tuning::{Configuration, Space};
use crate::math::Stream;

/// Tasks whose queries take time under a configuration.
pub trait World: Send + Sync {
    /// The knobs.
    fn space(&self) -> &Space;
    /// Names of the queries.
    fn queries(&self) -> &[String];
    /// Names of the tasks.
    fn tasks(&self) -> &[String];
    /// What is known of a task before it is tuned.
    fn meta(&self, task: usize) -> Vec<f64>;
    /// The configurations that can be measured, the defaults first; `None` if all of the space can.
    fn pool(&self, task: usize) -> Option<&[Configuration]>;
    /// Seconds of a query, as one measurement has them; `None` where it fails.
    fn measure(&self, task: usize, configuration: &[f64], query: usize, stream: &mut Stream) -> Option<f64>;
    /// Seconds of all queries without noise; `None` where one fails.
    fn total(&self, task: usize, configuration: &[f64]) -> Option<f64>;
    /// The least total of all configurations.
    fn optimum(&self, task: usize) -> f64;
    /// Seconds after which the last measurement of a query failed, where that is known.
    fn failed_after(&self, _task: usize, _configuration: &[f64], _query: usize) -> Option<f64> {
        None
    }

    /// One measurement of all queries on a smaller data set; `None` where a query fails or there is no such data set.
    fn reduced(&self, task: usize, configuration: &[f64], factor: f64, stream: &mut Stream) -> Option<f64>;

    /// The configuration that is run without tuning.
    fn default(&self, task: usize) -> Configuration {
        self.pool(task).and_then(|pool| pool.first().cloned()).unwrap_or_else(|| self.space().default())
    }
}
