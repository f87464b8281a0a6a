# An overlay for nixpkgs: `cooper`, and a `dockerTools` that is made of it.
final: _: {
  cooper = final.callPackage ./package.nix { };
  dockerTools = final.callPackage ./default.nix { };
}
