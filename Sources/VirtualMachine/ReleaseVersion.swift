/// The version of a kernel or of QEMU: the numbers that its release begins with.
public struct ReleaseVersion: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// The last kernel that every QEMU emulates reliably: before 8.1, newer ones die at random (vm-executor.md, section 2).
  public static let lastSafeKernel = ReleaseVersion(6, 1)
  /// The first QEMU that emulates every kernel reliably.
  public static let firstSafeQEMU = ReleaseVersion(8, 1)

  /// The first number.
  public let major: Int
  /// The second number.
  public let minor: Int

  /// A version of two numbers.
  public init(_ major: Int, _ minor: Int) { (self.major, self.minor) = (major, minor) }

  /// The first two numbers of a release like `6.1.0-56-cloud-amd64`; nil when it does not begin with any.
  public init?(parsing release: some StringProtocol) {
    let parts = release.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }.split(separator: ".")
    guard parts.count >= 2, let major = Int(parts[0]), let minor = Int(parts[1]) else { return nil }
    self.init(major, minor)
  }

  /// Whether a QEMU of this version can emulate a kernel of that one without dying at random.
  public func emulatesReliably(kernel: ReleaseVersion) -> Bool {
    self >= Self.firstSafeQEMU || kernel <= Self.lastSafeKernel
  }

  /// The earlier one is the lesser one.
  public static func < (left: ReleaseVersion, right: ReleaseVersion) -> Bool {
    (left.major, left.minor) < (right.major, right.minor)
  }

  /// The two numbers with a dot between them.
  public var description: String { "\(major).\(minor)" }
}
