//! The value between two layers.

use crate::Dual;

/// The value between two layers, with its tangent.
#[derive(Debug, Clone)]
pub enum Signal {
    /// `[batch, features]`
    Features(Dual<2>),
    /// `[batch, tokens, features]`
    Tokens(Dual<3>),
    /// `[batch, channels, height, width]`
    Image(Dual<4>),
}

impl Signal {
    pub(crate) fn features(self) -> Dual<2> {
        match self {
            Self::Features(features) => features,
            other => panic!("expected features, found {}", other.kind()),
        }
    }

    pub(crate) fn tokens(self) -> Dual<3> {
        match self {
            Self::Tokens(tokens) => tokens,
            other => panic!("expected tokens, found {}", other.kind()),
        }
    }

    pub(crate) fn image(self) -> Dual<4> {
        match self {
            Self::Image(image) => image,
            other => panic!("expected an image, found {}", other.kind()),
        }
    }

    /// The sum of two signals of one kind.
    pub(crate) fn add(self, other: Self) -> Self {
        match (self, other) {
            (Self::Features(left), Self::Features(right)) => (left + right).into(),
            (Self::Tokens(left), Self::Tokens(right)) => (left + right).into(),
            (Self::Image(left), Self::Image(right)) => (left + right).into(),
            (left, right) => panic!("cannot add {} to {}", right.kind(), left.kind()),
        }
    }

    /// Concatenates the channels of two images.
    pub(crate) fn cat(self, other: Self) -> Self {
        self.image().cat(other.image(), 1).into()
    }

    fn kind(&self) -> String {
        match self {
            Self::Features(features) => format!("features {:?}", features.dims()),
            Self::Tokens(tokens) => format!("tokens {:?}", tokens.dims()),
            Self::Image(image) => format!("an image {:?}", image.dims()),
        }
    }
}

impl From<Dual<2>> for Signal {
    fn from(features: Dual<2>) -> Self {
        Self::Features(features)
    }
}

impl From<Dual<3>> for Signal {
    fn from(tokens: Dual<3>) -> Self {
        Self::Tokens(tokens)
    }
}

impl From<Dual<4>> for Signal {
    fn from(image: Dual<4>) -> Self {
        Self::Image(image)
    }
}
