"""The trial's public record, without log-in."""
