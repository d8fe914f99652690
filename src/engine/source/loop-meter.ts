import { performance as threadClock } from 'node:perf_hooks'

/** The share of the time since it was asked last in which this thread's event loop was at work, from 0 to 1. */
export function loopMeter(): () => number {
  let last = threadClock.eventLoopUtilization()
  return () => {
    const latest = threadClock.eventLoopUtilization()
    const { utilization } = threadClock.eventLoopUtilization(latest, last)
    last = latest
    return utilization
  }
}
