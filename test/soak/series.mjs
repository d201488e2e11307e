// Many figures over many cycles, in memory that is taken once: what measures growth must not grow itself.

const CAPACITY = 20_000

export class Series {
  #names
  #values
  #length = 0

  /** @param names what is measured in each cycle; the first one is what slopes are taken over */
  constructor(names) {
    this.#names = names
    this.#values = new Float64Array(names.length * CAPACITY)
  }

  get length() {
    return this.#length
  }

  get isFull() {
    return this.#length === CAPACITY
  }

  add(figures) {
    for (const [index, name] of this.#names.entries()) this.#values[index * CAPACITY + this.#length] = figures[name]
    this.#length += 1
  }

  at(name, index) {
    return this.#values[this.#names.indexOf(name) * CAPACITY + index]
  }

  last(name) {
    return this.at(name, this.#length - 1)
  }

  /**
   * Least squares over the cycles from `from` on.
   * @returns the slope per unit of the first name, and how far it may be off: half of the 95 % confidence interval (infinite with fewer than 4 cycles)
   */
  slope(name, from = 0) {
    const count = this.#length - from
    if (count < 2) return { slope: 0, error: Number.POSITIVE_INFINITY }
    const indexes = Array.from({ length: count }, (_, index) => from + index)
    const [x, y] = [this.#names[0], name].map((each) => indexes.map((index) => this.at(each, index)))
    const [meanX, meanY] = [mean(x), mean(y)]
    const spread = sum(x.map((each) => (each - meanX) ** 2))
    const slope = sum(x.map((each, index) => (each - meanX) * (y[index] - meanY))) / spread
    const rest = sum(x.map((each, index) => (y[index] - meanY - slope * (each - meanX)) ** 2))
    return { slope, error: count < 4 ? Number.POSITIVE_INFINITY : studentOf(count - 2) * Math.sqrt(rest / (count - 2) / spread) }
  }
}

const sum = (values) => values.reduce((total, value) => total + value, 0)
const mean = (values) => sum(values) / values.length

/** 97.5 % quantile of Student's distribution, a little too large rather than too small. */
function studentOf(degrees) {
  return 1.96 + 2.4 / degrees + 5.6 / degrees ** 2 + 3 / degrees ** 3
}
