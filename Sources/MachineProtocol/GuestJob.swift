/// What the guest is to do; the host tells it on the port `PortName.control` when the guest is ready and the disks have their content.
public struct GuestJob: Sendable, Hashable {
  /// The most bytes of a job.
  public static let byteLimit = 64 << 20

  /// Something that is seen below the root of the program.
  public struct Bind: Sendable, Hashable {
    /// What it is.
    public enum Source: Sendable, Hashable {
      /// A directory of devices that a program may use.
      case devices
      /// `/sys` of the guest's kernel, read-only.
      case system
      /// A path in the disk `DiskName.extra`, read-only.
      case extra([UInt8])
      /// The same; what is changed there is forgotten with the machine.
      case scratch([UInt8])
    }

    /// What it is.
    public var source: Source
    /// Where it is seen: an absolute path that is there in the tree.
    public var target: [UInt8]

    /// A bind.
    public init(_ source: Source, at target: [UInt8]) { (self.source, self.target) = (source, target) }
  }

  /// Instead of running a program: the lengths in bytes of the layers on the disk `DiskName.layers`, from the base upwards, which are unpacked one
  /// on top of the other; the tree that comes of it is what the guest gives back.
  ///
  /// Each is an uncompressed tar that begins at a multiple of `layerAlignment`.
  public var layers: [UInt64]?
  /// See `layers`; in bytes.
  public static let layerAlignment = 4096
  /// Whether the times of the layers' files matter, so that one that the guest's file system cannot hold is a mistake.
  public var keepsTimes = false

  /// The program, a path below its root, and its arguments.
  public var command: [[UInt8]]
  /// Its environment, `NAME=value`.
  public var environment: [[UInt8]] = []
  /// What it sees beside the tree and `/proc`, the outer targets first.
  public var binds: [Bind] = []
  /// The seconds after which it is killed; 0 for never.
  public var timeLimit: UInt32 = 0
  /// A file that is told to the host when the program is over: a path below its root.
  public var report: [UInt8] = []

  /// A job.
  public init(command: [[UInt8]]) { self.command = command }

  /// A job of unpacking layers of these lengths.
  public init(layers: [UInt64]) { (command, self.layers) = ([], layers) }

  /// The job as bytes.
  public var encoded: [UInt8] {
    var bytes: [UInt8] = []
    func append(_ key: String, _ values: [UInt8]...) {
      var field: [UInt8] = []
      for value in [Array(key.utf8)] + values { Netstring.append(value, to: &field) }
      Netstring.append(field, to: &bytes)
    }
    if let layers {
      append("unpack")
      if keepsTimes { append("keepTimes") }
      for byteCount in layers { append("layer", Array(String(byteCount).utf8)) }
    }
    for argument in command { append("command", argument) }
    for variable in environment { append("environment", variable) }
    for bind in binds {
      switch bind.source {
      case .devices: append("bind", bind.target, Array("devices".utf8), [])
      case .system: append("bind", bind.target, Array("system".utf8), [])
      case .extra(let path): append("bind", bind.target, Array("extra".utf8), path)
      case .scratch(let path): append("bind", bind.target, Array("scratch".utf8), path)
      }
    }
    append("timeLimit", Array(String(timeLimit).utf8))
    append("report", report)
    return bytes
  }

  /// The job as the guest is told it.
  public var message: [UInt8] {
    var message: [UInt8] = []
    Netstring.append(encoded, to: &message)
    return message
  }

  /// Takes a job that is told so from the beginning of `input`; nil when it is not complete yet.
  ///
  /// - Throws: `MalformedMessage`.
  public static func take(from input: inout ArraySlice<UInt8>) throws(MalformedMessage) -> GuestJob? {
    guard let bytes = try Netstring.take(from: &input, limit: byteLimit) else { return nil }
    return try GuestJob(decoding: Array(bytes))
  }

  /// Reads what `encoded` gives.
  ///
  /// - Throws: `MalformedMessage`.
  public init(decoding bytes: [UInt8]) throws(MalformedMessage) {
    self.init(command: [])
    for field in try Netstring.all(in: bytes) {
      let parts = try Netstring.all(in: field)
      switch (parts.first.map { String(decoding: $0, as: UTF8.self) }, parts.count) {
      case ("unpack", 1): layers = []
      case ("keepTimes", 1): keepsTimes = true
      case ("layer", 2):
        guard let byteCount = UInt64(String(decoding: parts[1], as: UTF8.self)) else {
          throw MalformedMessage("a layer without its length")
        }
        layers?.append(byteCount)
      case ("command", 2): command.append(parts[1])
      case ("environment", 2): environment.append(parts[1])
      case ("bind", 4): binds.append(Bind(try Self.source(parts[2], parts[3]), at: parts[1]))
      case ("timeLimit", 2): timeLimit = UInt32(String(decoding: parts[1], as: UTF8.self)) ?? 0
      case ("report", 2): report = parts[1]
      default: throw MalformedMessage("an unknown field of the job")
      }
    }
  }

  private static func source(_ kind: [UInt8], _ path: [UInt8]) throws(MalformedMessage) -> Bind.Source {
    switch String(decoding: kind, as: UTF8.self) {
    case "devices": .devices
    case "system": .system
    case "extra": .extra(path)
    case "scratch": .scratch(path)
    default: throw MalformedMessage("an unknown kind of bind")
    }
  }
}

/// What of the initial RAM disk host and guest agree on.
public enum RamdiskPath {
  /// The directory of the kernel's modules, whose names are numbers: the order in which they are loaded.
  public static let modules = "modules"
}

/// What disks are called, as their serial numbers.
public enum DiskName {
  /// The tree as it is before, an EROFS image.
  public static let lower = "lower"
  /// What else the program needs, an EROFS image.
  public static let extra = "extra"
  /// The layers that are to be unpacked, one behind the other.
  public static let layers = "layers"
  /// An empty ext4 file system for what is changed.
  public static let scratch = "scratch"
}

/// What the ports between guest and host are called.
public enum PortName {
  /// Records of the guest; of the host, behind the first record, the job, and in the end one byte, which ends the machine.
  public static let control = "cooper.control"
  /// What the program prints.
  public static let log = "cooper.log"
  /// What the program changed, or the tree of the layers, as a tar.
  public static let output = "cooper.output"
}
