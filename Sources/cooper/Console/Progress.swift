import ArchiveIO
import Glibc
import Synchronization

/// Shows how far the blobs of one image are.
///
/// On a terminal each blob under way has a line with a bar, its bytes, its rate and the time left, redrawn ten times a second. Elsewhere each
/// blob gets one plain line when it is done. With `quiet` there is nothing.
final class Progress: Sendable {
  /// How much is shown.
  enum Style { case quiet, lines, bars }

  private struct Item {
    var name: String
    var total: Int64?
    var count: @Sendable () -> Int64
    var initial: Int64
    var started: Double
    var isDone = false
  }

  private struct State {
    var items: [Item] = []
    var drawnLines = 0
    var isFinished = false
  }

  private let style: Style
  private let state = Mutex(State())

  /// A display in the style that suits standard error.
  init(quiet: Bool) {
    style = quiet ? .quiet : Console.isTerminal ? .bars : .lines
    if style == .bars { Thread.detach { [weak self] in Self.redraw { self } } }
  }

  /// Adds a blob.
  ///
  /// `count` gives the number of bytes that arrived; `total` is in bytes.
  func begin(_ name: String, total: Int64?, initial: Int64, count: @escaping @Sendable () -> Int64) -> Int {
    state.withLock { state in
      state.items.append(
        Item(name: name, total: total, count: count, initial: initial, started: Self.now()))
      return state.items.count - 1
    }
  }

  /// Tells that the blob is complete.
  func end(_ index: Int) {
    state.withLock { state in
      state.items[index].isDone = true
      let item = state.items[index]
      switch style {
      case .quiet: break
      case .lines: Console.error(Self.doneLine(item))
      case .bars:
        erase(&state)
        Console.error(Self.doneLine(item))
        draw(&state)
      }
    }
  }

  /// A line that stays.
  func say(_ line: String) {
    if style == .quiet { return }
    state.withLock { state in
      if style == .bars { erase(&state) }
      Console.error(line)
      if style == .bars { draw(&state) }
    }
  }

  /// Ends the display; the bars disappear.
  func finish() {
    state.withLock { state in
      state.isFinished = true
      if style == .bars { erase(&state) }
    }
  }

  private static func redraw(_ progress: () -> Progress?) {
    while let progress = progress() {
      let goesOn = progress.state.withLock { state in
        if state.isFinished { return false }
        progress.erase(&state)
        progress.draw(&state)
        return true
      }
      if !goesOn { return }
      usleep(100_000)
    }
  }

  private func erase(_ state: inout State) {
    if state.drawnLines > 0 { Console.write("\u{1b}[\(state.drawnLines)A\u{1b}[J") }
    state.drawnLines = 0
  }

  private func draw(_ state: inout State) {
    let width = Self.terminalWidth()
    let lines = state.items.filter { !$0.isDone }.map { Self.bar($0, width: width) }
    if lines.isEmpty { return }
    Console.write(lines.joined(separator: "\n") + "\n")
    state.drawnLines = lines.count
  }

  // MARK: Text

  private static func doneLine(_ item: Item) -> String {
    let count = item.count()
    let seconds = max(now() - item.started, 0.001)
    let resumed = item.initial > 0 ? ", \(ByteCount.text(item.initial)) of them from an earlier run" : ""
    let rate = ByteCount.text(Int64(Double(count - item.initial) / seconds))
    return "\(item.name): \(ByteCount.text(count))\(resumed) (\(rate)/s)"
  }

  private static func bar(_ item: Item, width: Int) -> String {
    let count = item.count()
    let seconds = max(now() - item.started, 0.001)
    let rate = Double(count - item.initial) / seconds
    var facts = "\(ByteCount.text(count))"
    guard let total = item.total, total > 0 else {
      return "\(item.name) \(facts) \(ByteCount.text(Int64(rate)))/s"
    }
    facts += "/\(ByteCount.text(total)) \(ByteCount.text(Int64(rate)))/s"
    if rate > 0, count < total { facts += " \(Self.duration(Double(total - count) / rate))" }
    let space = max(5, min(30, width - item.name.count - facts.count - 5))
    let filled = min(space, Int(Int64(space) * count / total))
    let drawing = String(repeating: "=", count: filled) + String(repeating: " ", count: space - filled)
    return String("\(item.name) [\(drawing)] \(facts)".prefix(max(20, width - 1)))
  }

  private static func duration(_ seconds: Double) -> String {
    let whole = Int(min(seconds, 359_999).rounded(.up))
    return whole < 60 ? "\(whole)s" : "\(whole / 60)m\(whole % 60)s"
  }

  private static func terminalWidth() -> Int {
    var size = winsize()
    guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }

  private static func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}

/// Sizes for people.
enum ByteCount {
  /// `1.5 MiB`, `312 B`.
  static func text(_ count: Int64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"]
    var value = Double(count)
    var unit = 0
    while value >= 1024, unit < units.count - 1 {
      value /= 1024
      unit += 1
    }
    if unit == 0 { return "\(count) B" }
    let tenths = Int((value * 10).rounded())
    return "\(tenths / 10).\(tenths % 10) \(units[unit])"
  }
}
