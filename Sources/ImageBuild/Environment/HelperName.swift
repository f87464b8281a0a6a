/// The helpers that make an image's environment like that of a distribution (nix-dockertools.md, section 11).
public enum HelperName: String, Sendable, CaseIterable {
  /// `/usr/bin/env`.
  case usrBinEnv
  /// `/bin/sh`.
  case binSh
  /// Trusted certificates where programs of all distributions look for them.
  case caCertificates
  /// Users root and nobody.
  case fakeNss
  /// What the programs of shadow need to add users.
  case shadowSetup

  /// What a helper leads to.
  public enum Package: String, Sendable, CaseIterable {
    case coreutils, bash, cacert
  }

  /// The package whose place has to be known; nil for a helper that needs none.
  public var package: Package? {
    switch self {
    case .usrBinEnv: .coreutils
    case .binSh, .shadowSetup: .bash
    case .caCertificates: .cacert
    case .fakeNss: nil
    }
  }

  /// What it is, in a line.
  public var summary: String {
    switch self {
    case .usrBinEnv: "usr/bin/env, a link to env of coreutils"
    case .binSh: "bin/sh, a link to bash"
    case .caCertificates: "etc/ssl/certs and etc/pki/tls/certs with the certificates of cacert"
    case .fakeNss: "etc/passwd and etc/group with root and nobody, etc/nsswitch.conf, var/empty"
    case .shadowSetup:
      "etc/passwd, etc/shadow, etc/group, etc/gshadow, etc/pam.d/other, etc/login.defs with root"
    }
  }
}
