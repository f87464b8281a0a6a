/// The three generations of the docker-archive format (docker-archive-bytes.md, "Three generations of the format").
public enum DockerArchiveEra: Int, Sendable, CaseIterable {
  /// skopeo 0.1.19 to 0.1.28: layers as stored.
  case first = 1
  /// skopeo 0.1.29 to 1.1.1, until September 2020.
  case second = 2
  /// skopeo 1.2.0 and newer.
  case third = 3
}
