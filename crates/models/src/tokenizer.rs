//! tokenizer.json, as the `tokenizers` crate reads it.

use crate::{ModelError, source::Source};

/// Text to ids and back.
#[derive(Clone, Debug)]
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
}

impl Tokenizer {
    /// Loads `folder`/tokenizer.json and checks that every id it can give is a row of an embedding
    /// table of `rows` rows.
    ///
    /// # Errors
    /// [`ModelError`] naming the file if it can't be parsed or does not fit.
    pub fn load(source: &Source, folder: &str, rows: usize) -> Result<Self, ModelError> {
        let file = format!("{folder}tokenizer.json");
        let bytes = source.read(&file)?;
        let mut inner = tokenizers::Tokenizer::from_bytes(&bytes)
            .map_err(|e| ModelError::file(&file, format!("not a tokenizer: {e}")))?;
        // Truncation and padding belong to training batches.
        inner.with_padding(None);
        inner
            .with_truncation(None)
            .map_err(|e| ModelError::field(&file, "truncation", e.to_string()))?;
        let vocab = inner.get_vocab(true);
        if let Some((token, id)) =
            vocab.iter().filter(|(_, id)| **id as usize >= rows).min_by_key(|(_, id)| **id)
        {
            return Err(ModelError::field(
                &file,
                "model.vocab",
                format!("token {token:?} has id {id}, but the model has {rows} embeddings"),
            ));
        }
        Ok(Self { inner })
    }

    /// Ids of a text, nothing added before or after.
    ///
    /// # Errors
    /// [`ModelError::Input`] if the tokenizer refuses the text.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, ModelError> {
        let encoding = self
            .inner
            .encode_fast(text, false)
            .map_err(|e| ModelError::input("text", format!("not encodable: {e}")))?;
        Ok(encoding.get_ids().to_vec())
    }

    /// The text of ids; special and added tokens stay in it.
    ///
    /// # Errors
    /// [`ModelError::Input`] if the tokenizer's decoder fails.
    pub fn decode(&self, ids: &[u32]) -> Result<String, ModelError> {
        self.inner
            .decode(ids, false)
            .map_err(|e| ModelError::input("ids", format!("not decodable: {e}")))
    }

    /// The id of one token, if there is such a token.
    pub fn id(&self, token: &str) -> Option<u32> {
        self.inner.token_to_id(token)
    }
}
