public import ArchiveIO
public import OCIModel

/// Why an archive or layout cannot be read.
///
/// Wrong digests and sizes are `ContentMismatch`; files that cannot be opened are `FileError`.
public struct ImageArchiveError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The archive or directory.
  public let path: String
  /// What is wrong.
  public let problem: Problem

  /// A problem with what is at `path`.
  public init(_ path: String, _ problem: Problem) {
    self.path = path
    self.problem = problem
  }

  /// Kinds of problems.
  public enum Problem: Sendable, Hashable {
    /// It is neither a docker-archive nor an OCI layout; the text says what it seems to be.
    case unknownFormat(String)
    /// Nothing is what was asked for.
    case noSuchImage(ImageSelector, available: [ImageListing])
    /// There are several images, and none was chosen.
    case severalImages([ImageListing])
    /// Several images are what was asked for.
    case ambiguous(ImageSelector, available: [ImageListing])
    /// There is no image at all.
    case empty
    /// A file that another one names is not there.
    case missing(String, subject: String)
    /// A file of a layout is a pipe, a device, a directory, or a link that leads out of the layout.
    case notAFile(String)
    /// The layout's version is not 1.0.0.
    case version(String)
    /// A document is too long. In bytes.
    case tooLarge(String, limit: Int)
    /// The number of layers is not that of the config's `diff_ids`.
    case layerCount(Int, diffIDs: Int)
    /// One file is used for two layers that must differ; numbers count from 1.
    case sharedLayer(String, Int, Int)
    /// A layer's file is that of the config; the number counts from 1.
    case layerIsConfig(Int)
    /// A document does not say what it should.
    case document(String, DocumentError)
    /// The tar is damaged.
    case tar(TarError)
    /// A member of the tar cannot be used.
    case member(TarIndexError)
  }

  /// One line for people.
  public var description: String { "\(path): \(problem)" }
}

extension ImageArchiveError.Problem: CustomStringConvertible {
  /// What is wrong, without the place.
  public var description: String {
    switch self {
    case .unknownFormat(let found):
      "neither a docker-archive nor an OCI layout: \(found)"
    case .noSuchImage(let selector, let available):
      "there is no image \(String(reflecting: "\(selector)")); \(available.phrase)"
    case .severalImages(let available): "choose one of several images: \(available.phrase)"
    case .ambiguous(let selector, let available):
      "several images are called \(String(reflecting: "\(selector)")); choose by @INDEX; \(available.phrase)"
    case .empty: "there is no image in it"
    case .missing(let name, let subject) where name == subject: "\(name) is not there"
    case .missing(let name, let subject):
      "\(subject) should be \(String(reflecting: name)), which is not there"
    case .notAFile(let name):
      "\(String(reflecting: name)) is not a regular file, or a link that leads out of the layout"
    case .version(let found):
      "oci-layout says version \(String(reflecting: found)); only 1.0.0 is understood"
    case .tooLarge(let name, let limit): "\(name) has more than \(limit) bytes"
    case .layerCount(let layers, let diffIDs):
      "there are \(layers) layers, but the config names \(diffIDs) (rootfs.diff_ids)"
    case .sharedLayer(let name, let first, let second):
      "layers \(first) and \(second) are both \(String(reflecting: name)), but the config gives them different digests"
    case .layerIsConfig(let number): "the file of layer \(number) is that of the config"
    case .document(let subject, let problem): "\(subject): \(problem)"
    case .tar(let problem): "\(problem)"
    case .member(let problem): "\(problem)"
    }
  }
}

extension [ImageListing] {
  fileprivate var phrase: String {
    if isEmpty { return "there is none" }
    let shown = prefix(20).enumerated().map { position, listing in
      let names = listing.names.prefix(5).map { String(reflecting: $0) }
      let digest = listing.digest.map { ["\($0)"] } ?? []
      return (["@\(position)"] + (names.isEmpty ? digest : names)).joined(separator: " ")
    }
    let more = count > shown.count ? ", and \(count - shown.count) more" : ""
    return "there are " + shown.joined(separator: ", ") + more
  }
}

extension ImageArchiveError {
  /// Runs `body`, whose errors about a tar become errors about the archive at `path`.
  static func locating<Value>(_ path: String, _ body: () throws -> Value) throws -> Value {
    do { return try body() } catch let error as TarError {
      throw ImageArchiveError(path, .tar(error))
    } catch let error as TarIndexError { throw ImageArchiveError(path, .member(error)) }
  }
}
