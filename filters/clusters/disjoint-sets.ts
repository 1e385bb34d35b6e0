/** Sets that are joined two by two. */
export interface DisjointSets {
  join(a: number, b: number): void
  /** For each element the smallest one of its set. */
  firsts(): Uint32Array
}

/** `count` elements, each a set by itself. The smaller index always leads, so that the order of joining changes nothing. */
export function openDisjointSets(count: number): DisjointSets {
  const parents = Uint32Array.from({ length: count }, (_, index) => index)

  function find(element: number): number {
    let root = element
    while (parents[root] !== root) root = parents[root] ?? root
    let next = element
    while (parents[next] !== root) {
      const above = parents[next] ?? root
      parents[next] = root
      next = above
    }
    return root
  }
  return {
    join(a, b) {
      const [first, second] = [find(a), find(b)]
      if (first < second) parents[second] = first
      else parents[first] = second
    },
    firsts: () => Uint32Array.from(parents, (_, index) => find(index)),
  }
}
