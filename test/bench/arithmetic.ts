/** The middle value; of an even number of them, the mean of the two in the middle. NaN where there is none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

export type Spread = { readonly median: number; readonly min: number; readonly max: number }

/** Median and range. */
export function spreadOf(values: readonly number[]): Spread {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) }
}

/**
 * How one program stands to another: the ratio of the medians, with the range of the ratios within each round.
 * What disturbs a round disturbs both, so the range is narrower than that of the figures themselves.
 */
export function ratioOf(values: readonly number[], others: readonly number[]): Spread {
  const perRound = values.map((value, round) => value / (others[round] ?? Number.NaN))
  return { ...spreadOf(perRound), median: median(values) / median(others) }
}

/** The least value that this share of them, 0 to 1, does not exceed. NaN where there is none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
}
