import OCIModel
import OrderedJSON

extension BuildSpec {
  /// What cannot be meant together, although each value is right by itself.
  func contradictions(_ values: SpecValues) -> [SpecProblem] {
    var problems: [SpecProblem] = []
    func add(_ key: String, _ statement: String) {
      problems.append(.contradiction(key: key, statement: statement))
    }
    for (key, value) in [("fromImageName", baseName), ("fromImageTag", baseTag)]
    where value != nil && base == nil {
      add(key, "it chooses an image of “fromImage”, which is not given")
    }
    if let compressor = values.text("compressor"), compressor != "none", format == .oci {
      add(
        "compressor",
        "“\(compressor)” compresses an archive, and “format” oci is a directory; use “layerCompression”")
    }
    return problems + labelContradictions
  }

  private var labelContradictions: [SpecProblem] {
    labels.entries.compactMap { label in
      guard let other = config["Labels"]?[label.name], other != .string(label.value) else { return nil }
      return .contradiction(
        key: "labels", statement: "“\(label.name)” has another value in “Labels” of “config”; leave one out")
    }
  }
}
