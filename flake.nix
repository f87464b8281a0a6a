# For flakes: an overlay for nixpkgs with `cooper`, and a `dockerTools` that is made of it. It brings no nixpkgs of its own.
{
  description = "Cooper: container images, and nixpkgs' dockerTools made of it";
  outputs = _: { overlays.default = import ./tools/nix/overlay.nix; };
}
