public import Hashing

/// Something in the file system of an image, without its content.
public struct FileSystemEntry: Sendable, Hashable {
  /// What it is.
  public enum Kind: String, Sendable, Hashable {
    case file
    case directory
    case symbolicLink = "symlink"
    case characterDevice = "character device"
    case blockDevice = "block device"
    case pipe = "fifo"

    /// What a tar's member of that type is; nil for what file systems do not have.
    public init?(tarType: UInt8) {
      switch tarType {
      case UInt8(ascii: "0"), UInt8(ascii: "7"): self = .file
      case UInt8(ascii: "2"): self = .symbolicLink
      case UInt8(ascii: "3"): self = .characterDevice
      case UInt8(ascii: "4"): self = .blockDevice
      case UInt8(ascii: "5"): self = .directory
      case UInt8(ascii: "6"): self = .pipe
      default: return nil
      }
    }
  }

  /// What it is.
  public var kind: Kind
  /// The permission bits, set-id and sticky ones included.
  public var mode: UInt32
  /// The owner's number.
  public var userID: Int64 = 0
  /// The group's number.
  public var groupID: Int64 = 0
  /// Seconds since 1970.
  public var modificationTime: Int64 = 0
  /// The number of bytes of a file.
  public var byteCount: Int64 = 0
  /// The SHA-256 of a file's content; nil for everything else, and where content was not read.
  public var contentDigest: Digest?
  /// Where a symbolic link leads, as bytes.
  public var linkTarget: [UInt8] = []
  /// The device's numbers.
  public var device: DeviceNumber?
  /// Extended attributes, sorted by name (`SCHILY.xattr.*` of PAX headers).
  public var extendedAttributes: [ExtendedAttribute] = []
  /// The member it comes from; nil for a directory that no layer describes.
  ///
  /// Hard links to one file have the origin of the file.
  public var origin: Origin?

  /// Something of 0:0 and 1970-01-01T00:00:00Z of which nothing else is said.
  public init(kind: Kind, mode: UInt32) { (self.kind, self.mode) = (kind, mode) }

  /// The numbers of a device.
  public struct DeviceNumber: Sendable, Hashable {
    /// The driver.
    public var major: Int64
    /// The device.
    public var minor: Int64

    /// A device's numbers.
    public init(major: Int64, minor: Int64) { (self.major, self.minor) = (major, minor) }
  }

  /// An extended attribute.
  public struct ExtendedAttribute: Sendable, Hashable {
    /// The name, with its class: `security.capability`.
    public var name: [UInt8]
    /// The value.
    public var value: [UInt8]
  }

  /// A member of a layer.
  public struct Origin: Sendable, Hashable {
    /// The layer, from 0 for the lowest.
    public var layer: Int
    /// The member, from 0 for the first.
    public var member: Int

    /// A member of a layer.
    public init(layer: Int, member: Int) {
      self.layer = layer
      self.member = member
    }
  }

  /// A directory that no layer describes but that is there because something is in it: Docker makes it like this.
  public static let implicitDirectory = FileSystemEntry(kind: .directory, mode: 0o755)
}
