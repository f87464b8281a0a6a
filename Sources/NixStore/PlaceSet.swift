/// A set of places in a closure's list of nodes, a bit for each.
struct PlaceSet: Hashable {
  private var words: [UInt64]

  /// An empty set with room for the places below `count`.
  init(count: Int) { words = [UInt64](repeating: 0, count: (count + 63) / 64) }

  var isEmpty: Bool { words.allSatisfy { $0 == 0 } }

  func contains(_ place: Int) -> Bool { words[place >> 6] & (1 << UInt64(place & 63)) != 0 }

  /// Whether the place is new.
  @discardableResult
  mutating func insert(_ place: Int) -> Bool {
    let bit: UInt64 = 1 << UInt64(place & 63)
    defer { words[place >> 6] |= bit }
    return words[place >> 6] & bit == 0
  }

  mutating func remove(_ place: Int) { words[place >> 6] &= ~(1 << UInt64(place & 63)) }

  mutating func formUnion(_ other: PlaceSet) {
    for index in words.indices { words[index] |= other.words[index] }
  }

  mutating func subtract(_ other: PlaceSet) {
    for index in words.indices { words[index] &= ~other.words[index] }
  }

  func isDisjoint(with other: PlaceSet) -> Bool {
    for index in words.indices where words[index] & other.words[index] != 0 { return false }
    return true
  }

  /// Calls `body` with each place, ascending.
  func forEach(_ body: (Int) -> Void) {
    for (index, word) in words.enumerated() {
      var rest = word
      while rest != 0 {
        body(index << 6 | rest.trailingZeroBitCount)
        rest &= rest - 1
      }
    }
  }
}
