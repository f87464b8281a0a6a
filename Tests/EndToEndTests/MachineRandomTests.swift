import Foundation
import OrderedJSON
import TestSupport
import Testing

/// Random scripts over random files: whoever runs them, and where, the layer is the same.
///
/// The first of them found that a machine broke links of directories that were moved, and that a pretended root forgot between two scripts what
/// the first had touched.
@Suite(.serialized) struct MachineRandomTests {
  private let executors: ExecutorPlace
  private var place: Workplace { executors.place }

  init() async throws { executors = try await ExecutorPlace() }

  /// Makes lines of shell.
  private struct Lines {
    var generator: SeededGenerator

    private static let names = ["a", "b", "c", "d", "e", "f.x", "g h", "é"]

    mutating func number(_ range: ClosedRange<Int>) -> Int { generator.number(in: range) }

    mutating func path() -> String {
      (0..<number(1...3)).map { _ in generator.pick(Self.names) }.joined(separator: "/")
    }

    /// The name of something that is there already, in `p`.
    private mutating func pick(_ kind: String, in place: String) -> String {
      "p=$(find \(place) -mindepth 1 \(kind) | LC_ALL=C sort | sed -n \(number(1...30))p)"
    }

    /// Makes a file of the base; there is nothing that waits when it is opened.
    mutating func file(_ number: Int) -> String {
      let path = path()
      let parent = "mkdir -p \"$(dirname \"\(path)\")\""
      switch self.number(0...9) {
      case 0...1: return "mkdir -p \"\(path)\""
      case 2...4: return "\(parent) && [ ! -p \"\(path)\" ] && echo \(number) >\"\(path)\""
      case 5...6: return "\(pick("! -type d", in: ".")); \(parent) && ln \"$p\" \"\(path)\""
      case 7: return "\(parent) && ln -s \"\(self.path())\" \"\(path)\""
      case 8: return "\(parent) && mkfifo \"\(path)\""
      default: return "\(pick("-type f", in: ".")); chmod 4711 \"$p\"; setfattr -n user.k -v \(number) \"$p\""
      }
    }

    /// Does something to a file below `/top`.
    mutating func command(_ number: Int) -> String {
      let place = "\"/top/\(path())\""
      let any = pick("! -type d", in: "/top")
      let file = pick("-type f", in: "/top")
      let directory = pick("-type d", in: "/top")
      let commands = [
        "\(any); rm \"$p\"", "\(directory); rm -r \"$p\"", "\(directory); mv \"$p\" \(place)",
        "\(any); mv \"$p\" \(place); [ -f \(place) ] && echo late \(number) >>\(place)",
        "\(any); ln \"$p\" \(place)", "\(file); ln -f \"$p\" \(place)", "ln -s /top/a \(place)",
        "\(file); echo more \(number) >>\"$p\"", "\(file); echo new \(number) >\"$p\"", "mkdir -p \(place)",
        "\(file); exec 7>>\"$p\"; rm \"$p\"; echo \(number) >&7; exec 7>&-", "mknod \(place) b 7 9",
        "\(any); chown -h \(generator.pick(["0:0", "70000:5"])) \"$p\"",
        "\(file); chmod \(generator.pick(["4755", "600", "0"])) \"$p\"",
        "\(directory); [[ \(place)/ != \"$p\"/* ]] && rm -rf \(place) && mv \"$p\" \(place)",
        "\(directory); chmod 1777 \"$p\"", "\(file); setfattr -n user.z -v \(number) \"$p\"",
        // A copy into itself ends where the order of names on disk has it.
        "\(directory); t=$(realpath -m \(place)); [[ $t/ != \"$p\"/* ]] && cp -a \"$p\" \(place)",
      ]
      return generator.pick(commands)
    }
  }

  private func check(_ lines: [String], in directory: String) async throws {
    let text = lines.map { "(\($0)) 2>/dev/null || true" }.joined(separator: "\n")
    try await Program.check("bash", ["-c", "mkdir -p \"$1\" && cd \"$1\"\n\(text)", "bash", directory])
  }

  @Test(
    .enabled(if: RootAccess.isExpected, "only root can make namespaces, and become another user"),
    arguments: 1...3 as ClosedRange<UInt64>)
  func `a random script makes the same layer everywhere`(seed: UInt64) async throws {
    defer { place.remove() }
    var lines = Lines(generator: SeededGenerator(seed: seed))
    let tree = place.directory.appending("tree")
    try await check((0..<lines.number(20...50)).map { lines.file($0) }, in: tree + "/top")
    let (layer, base) = (place.directory.appending("layer.tar"), place.directory.appending("base.tar"))
    try await Program.check("tar", ["--xattrs", "--numeric-owner", "-cf", layer, "-C", tree, "."])
    let made = try await place.cooper(["append", "scratch", layer, "-o", "docker-archive:\(base):base:1"])
    try #require(made.status == 0, "\(made.errors)")
    func commands(_ count: Int) -> JSONValue {
      .string((0..<count).map { "(\(lines.command($0))) 2>/dev/null || true" }.joined(separator: "\n"))
    }
    let spec = try executors.write([
      "name": "random", "tag": "1", "fromImage": .string(base), "runAsRoot": commands(lines.number(5...40)),
      "extraCommands": seed.isMultiple(of: 2) ? commands(5) : "",
    ])
    try await executors.expectSame(spec, by: [("tcg", nil), ("namespace", "65534")])
  }
}
