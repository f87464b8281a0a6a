import ImageArchive
import ImageBuild
import OCIModel

/// Which bases the images of a set have and get: as the user says, or as the images do.
struct RebaseBases {
  /// The two bases of one image.
  struct Pair {
    let old: OpenedImage
    let new: OpenedImage
  }

  private let images: ImageSet
  private let root: ManifestDocument
  private let old: String?
  private let new: String?

  /// The bases of `images`, which are below `root`; nil for what annotations say.
  init(_ images: ImageSet, below root: ManifestDocument, old: String?, new: String?) {
    self.images = images
    self.root = root
    self.old = old
    self.new = new
  }

  /// Opens each of them once.
  ///
  /// - Throws: `UsageError` when neither the user nor an image says what its base is.
  func open(through job: TransformJob) async throws -> [ImageDraft.Identity: Pair] {
    var pairs: [ImageDraft.Identity: Pair] = [:]
    for image in images.images {
      let annotations = BaseAnnotations(of: image, in: root)
      let (oldLocation, newLocation) = try (
        old ?? location(annotations, of: image, isOld: true),
        new ?? location(annotations, of: image, isOld: false)
      )
      pairs[image.identity] = try await Pair(old: job.open(oldLocation), new: job.open(newLocation))
    }
    return pairs
  }

  /// What annotations name, which is always in a registry.
  private func location(
    _ annotations: BaseAnnotations, of image: ImageDraft, isOld: Bool
  ) throws -> String {
    let option = isOld ? "--old-base" : "--new-base"
    guard let name = annotations.name else {
      throw UsageError(
        "\(image.name) has no annotation or label \(BaseAnnotations.nameKey); name its base by \(option)")
    }
    do {
      let reference = try Reference(parsing: name)
      guard isOld, let digest = annotations.digest else { return "docker://\(reference)" }
      return "docker://\(try Reference(parsing: "\(reference.withDigest(nil))@\(digest)"))"
    } catch {
      throw UsageError("\(image.name) has a base annotation that is no reference (\(error)); use \(option)")
    }
  }
}

extension OpenedImage {
  /// This as a base.
  var base: RebaseBase { RebaseBase(name: name, reference: reference, source: whole) }

  /// A location that can only mean the same bytes; archives have no other than their own.
  var pinnedLocation: String {
    let digest = whole.root.digest
    if let reference { return "docker://\(reference.withDigest(digest))" }
    return switch try? ImageLocation(name) {
    case .ociLayout(let path, _): "oci:\(path):@\(digest)"
    case .ociArchive(let path, _): "oci-archive:\(path):@\(digest)"
    default: name
    }
  }
}

extension String {
  /// The text as one word of a shell's command line.
  var quotedForShell: String {
    let isPlain =
      !isEmpty
      && utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"):
          true
        default: "/:@._-+,=%".utf8.contains(byte)
        }
      }
    if isPlain { return self }
    return "'" + split(separator: "'", omittingEmptySubsequences: false).joined(separator: #"'\''"#) + "'"
  }
}
